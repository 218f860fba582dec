import { fromGeminiError } from '../../translate/error/from-gemini-error.ts';
import { TransportError } from '../../upstream/transport-error.ts';
import { JsonArraySplitter } from '../../wire/sse/json-array-splitter.ts';
import { SseParser } from '../../wire/sse/parse.ts';
import { readGoogleError } from '../../wire/gemini/error.ts';

/** Largest message of a stream, in bytes: an image of many megabytes is one message. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;
/** Largest whole answer, in bytes: several images of many megabytes. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** Cuts the body of an answer into messages of JSON text. */
export interface FrameReader {
  /** @returns the messages that these bytes complete */
  push(chunk: Buffer): readonly string[];
  /** @returns the message that the end completes, and what is none */
  end(): { last?: string; loose: string };
}

/** For a streamed answer: server-sent events, or the JSON array that Gemini streams where `alt=sse` is not honoured. */
export function streamReader(isJson: boolean): FrameReader {
  return isJson ? arrayReader() : eventReader();
}

/** For an answer in one piece, which is one message. */
export function wholeReader(): FrameReader {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return {
    push: (chunk) => {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) {
        throw new TransportError('too-large', 'the answer is larger than this server accepts');
      }
      chunks.push(chunk);
      return [];
    },
    end: () => {
      const [first] = chunks;
      const whole = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks);
      return { last: whole.toString('utf8'), loose: '' };
    },
  };
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
    throw fromGeminiError({ status: 200, body: text });
  }
  // Only an object with `error` can be one: looked at before it is read as a response.
  const mayBeError =
    typeof frame === 'object' && frame !== null && ('error' in frame || Array.isArray(frame));
  if (mayBeError && readGoogleError(frame) !== undefined) throw fromGeminiError({ status: 200, body: text });
  return frame;
}
