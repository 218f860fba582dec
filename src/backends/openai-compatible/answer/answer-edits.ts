import type { TokenUsage } from '../../../wire/openai/response.ts';
import { itemsOf, type MemberSpan, startOfValue } from '../../../wire/json-text/json-spans.ts';
import { type ObjectEdits, TextEdits } from '../../../wire/json-text/text-edits.ts';
import { isJsonObject, type JsonObject } from '../../../wire/validation/structure-checks.ts';

/** An object of an answer, a completion or a chunk, as text and as what it means. */
export interface AnswerJson {
  readonly text: string;
  readonly value: JsonObject;
}

/**
 * What a client is to see in place of a model server's answer: only what contract section 12 names is changed, each
 * change a piece of the text, so that everything else keeps its bytes.
 *
 * @param asked the model name as the client wrote it; `undefined` leaves the server's
 * @param indices of the calls in each choice's delta, as {@link CallIndices} counts them
 * @returns the same text where nothing has to change
 */
export function editAnswer(
  { text, value }: AnswerJson,
  asked: string | undefined,
  indices: readonly (readonly number[])[] = [],
): string {
  const isRenamed = asked !== undefined && value['model'] !== undefined && value['model'] !== asked;
  const isOdd = hasOddChoice(value);
  if (!isRenamed && !isOdd) return text;
  const edits = new TextEdits(text);
  const root = edits.object(startOfValue(text));
  if (isRenamed) {
    for (const member of root.members) {
      if (member.name === 'model') edits.replaceValue(member, JSON.stringify(asked));
    }
  }
  const choices = root.find('choices');
  if (isOdd && choices !== undefined) editChoices(choices, edits, indices);
  return edits.apply();
}

/** Whether a choice holds something that servers write in ways of their own. */
export function hasOddChoice({ choices }: JsonObject): boolean {
  if (!Array.isArray(choices)) return false;
  return choices.some((choice) => {
    if (!isJsonObject(choice)) return false;
    const { message, delta } = choice;
    return (
      (isJsonObject(message) && (hasOnlyReasoning(message) || hasCall(message, takesArgumentsAsJson))) ||
      (isJsonObject(delta) && (hasOnlyReasoning(delta) || hasCall(delta, isOddDelta)))
    );
  });
}

/** vLLM's and Ollama's word for what others call `reasoning_content`. */
function hasOnlyReasoning({ reasoning, reasoning_content: usual }: JsonObject): boolean {
  return typeof reasoning === 'string' && usual == null;
}

function hasCall({ tool_calls: calls }: JsonObject, isOdd: (call: JsonObject) => boolean): boolean {
  return Array.isArray(calls) && calls.some((call) => isJsonObject(call) && isOdd(call));
}

/** Arguments that are JSON instead of JSON text: older versions of Text Generation Inference. */
function takesArgumentsAsJson({ function: called }: JsonObject): boolean {
  return isJsonObject(called) && isJsonObject(called['arguments']);
}

/** A streamed call without the `index` that SDKs need (defect B1). */
function isOddDelta(call: JsonObject): boolean {
  return typeof call['index'] !== 'number' || takesArgumentsAsJson(call);
}

function editChoices(choices: MemberSpan, edits: TextEdits, indices: readonly (readonly number[])[]): void {
  for (const [position, start] of objectsIn(edits.text, choices.valueStart).entries()) {
    const choice = edits.object(start);
    for (const name of ['message', 'delta'] as const) {
      const member = choice.find(name);
      if (member === undefined || edits.text.charAt(member.valueStart) !== '{') continue;
      const content = edits.object(member.valueStart);
      copyReasoning(content, edits);
      editCalls(content, edits, name === 'delta' ? indices[position] : undefined);
    }
  }
}

function copyReasoning(content: ObjectEdits, edits: TextEdits): void {
  const reasoning = content.find('reasoning');
  if (reasoning === undefined || edits.text.charAt(reasoning.valueStart) !== '"') return;
  const usual = content.find('reasoning_content');
  const written = edits.valueText(reasoning);
  if (usual === undefined) content.append('reasoning_content', written);
  else if (edits.valueText(usual) === 'null') edits.replaceValue(usual, written);
}

/** @param indices of the calls; `undefined` in a whole message, where they need none */
function editCalls(content: ObjectEdits, edits: TextEdits, indices: readonly number[] | undefined): void {
  const calls = content.find('tool_calls');
  if (calls === undefined) return;
  for (const [position, start] of objectsIn(edits.text, calls.valueStart).entries()) {
    const call = edits.object(start);
    const index = indices?.[position];
    if (index !== undefined) setIndex(call, edits, index);
    writeArgumentsAsText(call, edits);
  }
}

function setIndex(call: ObjectEdits, edits: TextEdits, index: number): void {
  const written = call.find('index');
  if (written === undefined) call.append('index', String(index));
  // What is a number is the server's.
  else if (!/^[-\d]/.test(edits.valueText(written))) edits.replaceValue(written, String(index));
}

function writeArgumentsAsText(call: ObjectEdits, edits: TextEdits): void {
  const called = call.find('function');
  if (called === undefined || edits.text.charAt(called.valueStart) !== '{') return;
  const written = edits.object(called.valueStart).find('arguments');
  if (written === undefined || edits.text.charAt(written.valueStart) !== '{') return;
  edits.replaceValue(written, JSON.stringify(edits.valueText(written)));
}

/** Where the objects of an array begin; what else it holds is passed over. */
function objectsIn(text: string, at: number): number[] {
  if (text.charAt(at) !== '[') return [];
  return itemsOf(text, at)
    .map(({ start }) => start)
    .filter((start) => text.charAt(start) === '{');
}

/** A server's own token counts; `undefined` where it gives none. */
export function usageOf({ usage }: JsonObject): TokenUsage | undefined {
  if (!isJsonObject(usage)) return undefined;
  const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = usage;
  if (typeof prompt !== 'number' || typeof completion !== 'number') return undefined;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: typeof total === 'number' ? total : prompt + completion,
  };
}
