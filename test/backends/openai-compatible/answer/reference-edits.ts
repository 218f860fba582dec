import type { JsonObject } from '../../../../src/wire/validation/structure-checks.ts';

interface Choice {
  index?: number;
  message?: Content;
  delta?: Content;
}

interface Content {
  reasoning?: unknown;
  reasoning_content?: unknown;
  tool_calls?: Call[] | null;
}

interface Call {
  index?: unknown;
  function?: { arguments?: unknown };
}

/**
 * What a client is to see of a completion or a chunk, by value: the reference for edits of text. Calls without an index
 * get their place in the delta, which is right for streams that bring each call in one piece, all in one delta.
 */
export function editedValue(value: JsonObject, asked: string | undefined): JsonObject {
  const edited = structuredClone(value);
  if (asked !== undefined && 'model' in edited) edited['model'] = asked;
  const choices = Array.isArray(edited['choices']) ? (edited['choices'] as Choice[]) : [];
  for (const { message, delta } of choices) {
    for (const content of [message, delta]) {
      if (content === undefined) continue;
      if (typeof content.reasoning === 'string') content.reasoning_content ??= content.reasoning;
      for (const [position, call] of (content.tool_calls ?? []).entries()) {
        if (content === delta && typeof call.index !== 'number') call.index = position;
        const called = call.function;
        if (typeof called?.arguments === 'object' && called.arguments !== null) {
          called.arguments = JSON.stringify(called.arguments);
        }
      }
    }
  }
  return edited;
}

/** The chunks of a stream, read as plainly as possible and without any of the code under test. */
export function chunksOf(stream: string): JsonObject[] {
  return stream
    .split(/\r?\n\r?\n/)
    .flatMap((event) => /^data: ?(\{.*\})$/ms.exec(event)?.[1] ?? [])
    .map((data) => JSON.parse(data) as JsonObject);
}
