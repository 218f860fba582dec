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
 * @returns the same text where nothing has to change
 */
export function editAnswer({ text, value }: AnswerJson, asked: string | undefined): string {
  const isRenamed = asked !== undefined && value['model'] !== undefined && value['model'] !== asked;
  const hasOddChoice = needsChoiceEdits(value);
  if (!isRenamed && !hasOddChoice) return text;
  const edits = new TextEdits(text);
  const root = edits.object(startOfValue(text));
  if (isRenamed) {
    for (const member of root.members) {
      if (member.name === 'model') edits.replaceValue(member, JSON.stringify(asked));
    }
  }
  const choices = root.find('choices');
  if (hasOddChoice && choices !== undefined) editChoices(choices, edits);
  return edits.apply();
}

/** Whether a choice holds something that servers write in ways of their own. */
function needsChoiceEdits({ choices }: JsonObject): boolean {
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

function editChoices(choices: MemberSpan, edits: TextEdits): void {
  for (const start of objectsIn(edits.text, choices.valueStart)) {
    const choice = edits.object(start);
    for (const name of ['message', 'delta'] as const) {
      const content = choice.find(name);
      if (content === undefined || edits.text.charAt(content.valueStart) !== '{') continue;
      editContent(edits.object(content.valueStart), edits, { isDelta: name === 'delta' });
    }
  }
}

function editContent(content: ObjectEdits, edits: TextEdits, { isDelta }: { isDelta: boolean }): void {
  const reasoning = content.find('reasoning');
  const usual = content.find('reasoning_content');
  if (reasoning !== undefined && edits.text.charAt(reasoning.valueStart) === '"') {
    const written = edits.valueText(reasoning);
    if (usual === undefined) content.append('reasoning_content', written);
    else if (edits.valueText(usual) === 'null') edits.replaceValue(usual, written);
  }
  const calls = content.find('tool_calls');
  if (calls === undefined) return;
  for (const [position, start] of objectsIn(edits.text, calls.valueStart).entries()) {
    const call = edits.object(start);
    if (isDelta) setIndex(call, edits, position);
    writeArgumentsAsText(call, edits);
  }
}

function setIndex(call: ObjectEdits, edits: TextEdits, position: number): void {
  const index = call.find('index');
  if (index === undefined) call.append('index', String(position));
  else if (edits.valueText(index) === 'null') edits.replaceValue(index, String(position));
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
