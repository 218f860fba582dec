import { GatewayError } from '../../errors.ts';
import { fromGeminiError } from '../../translate/error/from-gemini-error.ts';
import type { ExchangeResponse } from '../../upstream/exchange.ts';
import { JsonArraySplitter } from '../../wire/sse/json-array-splitter.ts';
import { SseParser } from '../../wire/sse/parse.ts';
import { parseErrorText, readGoogleError } from '../../wire/gemini/error.ts';

/** Largest message of a stream, in bytes: an image of many megabytes is one message. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/**
 * The messages of a streamed answer, parsed. Reads server-sent events, and the JSON array that Gemini streams where
 * `alt=sse` is not honoured.
 *
 * @throws {GatewayError} for an error among the messages, framed or bare, and for what is neither
 */
export async function* readFrames({ headers, body }: ExchangeResponse): AsyncGenerator<unknown, void, void> {
  const isJson = headers['content-type']?.toLowerCase().includes('json') === true;
  const reader = isJson ? arrayReader() : eventReader();
  for await (const chunk of body) {
    for (const text of reader.push(chunk)) yield parseFrame(text);
  }
  const { last, loose } = reader.end();
  if (last !== undefined) yield parseFrame(last);
  if (loose.trim() === '') return;
  // A failure in the middle of a stream is written as bare JSON, without a frame. Contract section 10.7.
  if (readGoogleError(parseErrorText(loose)) !== undefined)
    throw fromGeminiError({ status: 200, body: loose });
  if (isJson) yield parseFrame(loose);
}

interface FrameReader {
  push(chunk: Uint8Array): string[];
  end(): { last?: string; loose: string };
}

function eventReader(): FrameReader {
  const parser = new SseParser({ maxEventBytes: MAX_FRAME_BYTES });
  return {
    push: (chunk) => parser.push(chunk).map(({ data }) => data),
    end: () => {
      const { event, loose } = parser.end();
      return event === undefined ? { loose } : { last: event.data, loose };
    },
  };
}

function arrayReader(): FrameReader {
  const splitter = new JsonArraySplitter({ maxElementBytes: MAX_FRAME_BYTES });
  return {
    push: (chunk) => splitter.push(chunk),
    end: () => ({ loose: splitter.end().loose }),
  };
}

/** One message as a value. @throws {GatewayError} when it is no JSON, or an error */
export function parseFrame(text: string): unknown {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    // The parser's own error quotes the answer, and what is kept as a cause is logged.
    throw new GatewayError('bad_upstream_response', 'Gemini sent a message that is not JSON.');
  }
  // Only an object with `error` can be one: looked at before it is read as a response.
  const mayBeError =
    typeof frame === 'object' && frame !== null && ('error' in frame || Array.isArray(frame));
  if (mayBeError && readGoogleError(frame) !== undefined) throw fromGeminiError({ status: 200, body: text });
  return frame;
}
