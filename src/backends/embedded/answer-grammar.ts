import { type ErrorCode, GatewayError } from '../../errors.ts';
import type { AnswerFormat } from './answer-format.ts';
import type { GrammarPlan } from './engine/protocol.ts';
import { GrammarBuilder } from './grammar/grammar-builder.ts';
import { SchemaError, type SchemaErrorKind } from './grammar/schema-error.ts';
import { CALL_CLOSE, CALL_OPEN } from './tools/tool-prompt.ts';
import type { CallableTool, ToolSet } from './tools/tool-set.ts';

export interface GrammarRequest {
  readonly format: AnswerFormat;
  readonly toolSet: ToolSet | undefined;
  /** Closing tag of reasoning the answer begins with; the grammar holds behind it. */
  readonly thoughtEnd?: string;
  readonly unsupported: 'reject' | 'ignore';
}

export interface AnswerGrammar {
  readonly grammar?: GrammarPlan;
  /** JSON paths of schema keywords that could not be enforced and were left out. */
  readonly ignored: readonly string[];
}

/** Calls one answer may hold: a small model without a limit repeats itself. */
const MAX_PARALLEL_CALLS = 8;

const ERROR_CODES: Readonly<Record<SchemaErrorKind, ErrorCode>> = {
  unsupported: 'unsupported_schema',
  invalid: 'invalid_argument',
  too_complex: 'schema_too_complex',
};

/**
 * The grammar an answer must follow while it is written: a JSON format, required tool calls, or, where the model may
 * choose to call, the shape of a call once it has begun one.
 *
 * @throws {GatewayError} `unsupported_schema` and the like, naming keyword and path
 */
export function buildAnswerGrammar({ format, toolSet, thoughtEnd, unsupported }: GrammarRequest): AnswerGrammar {
  const builder = new GrammarBuilder();
  const mustCall = toolSet?.use === 'required';
  const formatRule = mustCall ? undefined : addFormat(builder, format, unsupported);
  const calls = toolSet === undefined ? undefined : addCalls(builder, toolSet, unsupported);
  const ignored = builder.dropped.map(({ path, keyword }) => `${path}.${keyword}`);
  if (calls !== undefined && !mustCall && formatRule === undefined) {
    // The model decides; what it has begun as a call is then held to the shape of one.
    return { grammar: { text: builder.toString(`[ \\n]{0,2} ${calls}`), after: CALL_OPEN }, ignored };
  }
  const forms = [
    ...(calls === undefined ? [] : [`${builder.literal(`${CALL_OPEN}\n`)} ${calls}`]),
    ...(formatRule === undefined ? [] : [formatRule]),
  ];
  if (forms.length === 0) return { ignored };
  const body = forms.length === 1 ? forms.join('') : `(${forms.join(' | ')})`;
  if (thoughtEnd === undefined) return { grammar: { text: builder.toString(body) }, ignored };
  // White space stands between reasoning and answer.
  return { grammar: { text: builder.toString(`[ \\n]{0,3} ${body}`), after: thoughtEnd }, ignored };
}

function addFormat(
  builder: GrammarBuilder,
  format: AnswerFormat,
  unsupported: 'reject' | 'ignore',
): string | undefined {
  switch (format.kind) {
    case 'text':
      return undefined;
    case 'json-object':
      return builder.addJsonObject();
    case 'json-schema':
      return addSchema(builder, format.schema, { path: format.path, reject: unsupported === 'reject' });
  }
}

/** The calls of one answer, from behind the first opening tag to the last closing one. */
function addCalls(builder: GrammarBuilder, { tools, parallel }: ToolSet, unsupported: 'reject' | 'ignore'): string {
  const alternatives = tools.map(({ name, parameters, path, strict }) => {
    // Without `strict` OpenAI promises no more than JSON; what cannot be enforced is left out and named.
    const reject = strict && unsupported === 'reject';
    const rule = addSchema(builder, parameters, { path, reject });
    return `${builder.literal(`{"name": ${JSON.stringify(name)}, "arguments": `)} ${rule}`;
  });
  const call = builder.addRule('call', `(${alternatives.join(' | ')}) ${builder.literal(`}\n${CALL_CLOSE}`)}`);
  if (!parallel) return call;
  return `${call} (${builder.literal(`\n${CALL_OPEN}\n`)} ${call}){0,${MAX_PARALLEL_CALLS - 1}}`;
}

function addSchema(
  builder: GrammarBuilder,
  schema: unknown,
  { path, reject }: { path: string; reject: boolean },
): string {
  try {
    return builder.addSchema(schema, { unsupported: reject ? 'reject' : 'drop', path });
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    throw new GatewayError(ERROR_CODES[error.kind], error.message, { param: error.path, cause: error });
  }
}
