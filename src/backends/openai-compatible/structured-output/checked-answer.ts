import { GatewayError } from '../../../errors.ts';
import { itemsOf, startOfValue } from '../../../wire/json-text/json-spans.ts';
import { TextEdits } from '../../../wire/json-text/text-edits.ts';
import type { TokenUsage } from '../../../wire/openai/response.ts';
import type { JsonObject } from '../../../wire/validation/structure-checks.ts';
import { usageOf } from '../answer/answer-edits.ts';
import type { Completion } from '../answer/whole-answer.ts';
import { type FinalContent, finalContents } from './final-contents.ts';
import { repairMessages } from './repair-messages.ts';
import type { JsonSchema, SchemaChecker } from './schema-checker.ts';

export interface CheckContext {
  readonly checker: SchemaChecker;
  readonly schema: JsonSchema;
  readonly signal: AbortSignal;
}

/** A content that does not match, and why. */
export interface Mismatch extends FinalContent {
  readonly problems: readonly string[];
}

/** What a check of a whole answer found. */
export type CheckedCompletion =
  | { readonly completion: Completion; readonly mismatch?: never }
  | { readonly completion?: never; readonly mismatch: Mismatch };

/**
 * Holds every content of a completion against the schema. What matches becomes pure JSON: a Markdown fence around it is
 * taken off, since SDKs parse the content verbatim.
 *
 * @throws {GatewayError} as {@link SchemaChecker.check} does
 */
export async function checkCompletion(
  completion: Completion,
  { checker, schema, signal }: CheckContext,
): Promise<CheckedCompletion> {
  const unfenced = new Map<number, string>();
  for (const { choice, text } of finalContents(completion.value)) {
    const verdict = await checker.check(text, schema, signal);
    if (!verdict.valid) return { mismatch: { choice, text, problems: verdict.problems } };
    if (verdict.json !== text) unfenced.set(choice, verdict.json);
  }
  return { completion: unfenced.size === 0 ? completion : withContents(completion, unfenced) };
}

const FENCED = 'the answer: must be JSON without a Markdown fence around it';

/**
 * The same of contents that have been sent already, so that a fence around them stays there.
 *
 * @throws {GatewayError} `schema_mismatch` when a content does not match
 */
export async function checkContents(
  contents: readonly FinalContent[],
  { checker, schema, signal }: CheckContext,
): Promise<void> {
  for (const { choice, text } of contents) {
    const verdict = await checker.check(text, schema, signal);
    if (!verdict.valid) throw mismatchError({ choice, text, problems: verdict.problems });
    if (verdict.json !== text) throw mismatchError({ choice, text, problems: [FENCED] });
  }
}

/** The failure of an answer that stays invalid. */
export function mismatchError({ problems }: Mismatch): GatewayError {
  return new GatewayError(
    'schema_mismatch',
    `The model's answer does not match response_format.json_schema.schema: ${problems.join('; ')}. Its server does not enforce schemas; ask again, ask for less, or ask a model whose server does.`,
    { param: 'response_format' },
  );
}

/** The request once more, with the invalid answer and what is wrong with it behind its messages. */
export function repairRequest(body: string, { text, problems }: Mismatch): string {
  const edits = new TextEdits(body);
  const messages = edits.object(startOfValue(body)).find('messages');
  if (messages === undefined) return body;
  const written = edits.valueText(messages);
  const added = repairMessages(text, problems).map((message) => JSON.stringify(message));
  const separator = itemsOf(body, messages.valueStart).length === 0 ? '' : ',';
  edits.replaceValue(messages, `${written.slice(0, -1)}${separator}${added.join(',')}]`);
  return edits.apply();
}

/** The same completion with other contents. */
function withContents(completion: Completion, contents: ReadonlyMap<number, string>): Completion {
  const edits = new TextEdits(completion.text);
  const choices = edits.object(startOfValue(completion.text)).find('choices');
  const items = choices === undefined ? [] : itemsOf(completion.text, choices.valueStart);
  for (const [choice, json] of contents) {
    const message = edits.object(items[choice]!.start).find('message');
    const content = message && edits.object(message.valueStart).find('content');
    if (content !== undefined) edits.replaceValue(content, JSON.stringify(json));
  }
  return asCompletion(edits.apply());
}

/** The same completion with the tokens of earlier attempts counted too: they were used, and may have been charged. */
export function withUsageOf(completion: Completion, earlier: readonly JsonObject[]): Completion {
  const own = usageOf(completion.value);
  const others = earlier.map(usageOf).filter((usage) => usage !== undefined);
  if (own === undefined || others.length === 0) return completion;
  const edits = new TextEdits(completion.text);
  const usage = edits.object(startOfValue(completion.text)).find('usage');
  const counts = usage && edits.object(usage.valueStart);
  for (const name of ['prompt_tokens', 'completion_tokens', 'total_tokens'] as const) {
    const count = counts?.find(name);
    if (count !== undefined) edits.replaceValue(count, String(sum(name, [own, ...others])));
  }
  return asCompletion(edits.apply());
}

function sum(name: keyof TokenUsage, usages: readonly TokenUsage[]): number {
  return usages.reduce((total, usage) => total + usage[name], 0);
}

function asCompletion(text: string): Completion {
  return { text, value: JSON.parse(text) as JsonObject, bytes: undefined };
}
