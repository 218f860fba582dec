/**
 * The floor for a translator in Node.js: parses and rebuilds every request, answer and stream piece, over `node:http`
 * and undici, with one write for each piece. No checks, keys, limits, retries, logs, nor anything Gemini does beyond
 * text. Takes the upstream's URL as its argument; as a process it reports its port on the IPC channel and ends with it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Pool } from 'undici';
import { runServer } from './run-server.ts';

export const GEMINI_PATH = '/v1/projects/p/locations/us-central1/publishers/google/models';

interface ChatBody {
  model: string;
  messages: { role: string; content: string | ContentPart[] }[];
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  temperature?: number;
  top_p?: number;
  max_tokens?: number;
}

interface ContentPart {
  type: string;
  text?: string;
  image_url?: { url: string };
}

interface GeminiBody {
  candidates?: { content?: { parts?: { text?: string }[] }; finishReason?: string }[];
  usageMetadata?: { promptTokenCount?: number; candidatesTokenCount?: number; totalTokenCount?: number };
}

function toParts(content: string | ContentPart[]): object[] {
  if (typeof content === 'string') return [{ text: content }];
  return content.map(({ text, image_url: image }) => {
    if (image === undefined) return { text };
    const comma = image.url.indexOf(';base64,');
    return { inlineData: { mimeType: image.url.slice(5, comma), data: image.url.slice(comma + 8) } };
  });
}

function toGemini({ messages, temperature, top_p: topP, max_tokens: maxOutputTokens }: ChatBody): object {
  const contents: object[] = [];
  const instruction: object[] = [];
  for (const { role, content } of messages) {
    if (role === 'system') instruction.push(...toParts(content));
    else contents.push({ role: role === 'assistant' ? 'model' : 'user', parts: toParts(content) });
  }
  return {
    contents,
    systemInstruction: { parts: instruction },
    generationConfig: { temperature, topP, maxOutputTokens },
  };
}

function textOf({ candidates }: GeminiBody): string {
  return candidates?.[0]?.content?.parts?.map(({ text }) => text ?? '').join('') ?? '';
}

function finishOf({ candidates }: GeminiBody): 'stop' | null {
  return candidates?.[0]?.finishReason === undefined ? null : 'stop';
}

function usageOf({ usageMetadata: usage }: GeminiBody): object {
  return {
    prompt_tokens: usage?.promptTokenCount ?? 0,
    completion_tokens: usage?.candidatesTokenCount ?? 0,
    total_tokens: usage?.totalTokenCount ?? 0,
  };
}

let answers = 0;

class StreamTranslator {
  readonly #response: ServerResponse;
  readonly #model: string;
  readonly #id = `chatcmpl-${(answers++).toString(36)}`;
  readonly #created = Math.floor(Date.now() / 1000);
  readonly #decoder = new TextDecoder();
  #rest = '';
  #isFirst = true;
  #last: GeminiBody = {};

  constructor(response: ServerResponse, model: string) {
    this.#response = response;
    this.#model = model;
  }

  /** @returns whether the client has room for more */
  push(bytes: Buffer): boolean {
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true });
    let at = 0;
    let hasRoom = true;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', at)) {
      if (text.startsWith('data:', at))
        hasRoom = this.#event(JSON.parse(text.slice(at + 5, end)) as GeminiBody);
      at = end + 1;
    }
    this.#rest = text.slice(at);
    return hasRoom;
  }

  end(): void {
    this.#write([], usageOf(this.#last));
    this.#response.end('data: [DONE]\n\n');
  }

  #event(message: GeminiBody): boolean {
    const content = textOf(message);
    const delta = this.#isFirst ? { role: 'assistant', content } : { content };
    this.#isFirst = false;
    this.#last = message;
    return this.#write([{ index: 0, delta, logprobs: null, finish_reason: finishOf(message) }]);
  }

  #write(choices: object[], usage?: object): boolean {
    const object = 'chat.completion.chunk';
    const chunk = { id: this.#id, object, created: this.#created, model: this.#model, choices, usage };
    return this.#response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  }
}

function completion(message: GeminiBody, model: string): Buffer {
  return Buffer.from(
    JSON.stringify({
      id: `chatcmpl-${(answers++).toString(36)}`,
      object: 'chat.completion',
      created: Math.floor(Date.now() / 1000),
      model,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: textOf(message) },
          logprobs: null,
          finish_reason: finishOf(message),
        },
      ],
      usage: usageOf(message),
    }),
  );
}

export function createTranslatingProxy(upstream: string): Server {
  const pool = new Pool(upstream, { connections: 1024, pipelining: 1 });
  const translate = (chat: ChatBody, response: ServerResponse): void => {
    const method = chat.stream === true ? 'streamGenerateContent?alt=sse' : 'generateContent';
    const parts: Buffer[] = [];
    let stream: StreamTranslator | undefined;
    pool.dispatch(
      {
        method: 'POST',
        path: `${GEMINI_PATH}/${chat.model}:${method}`,
        body: JSON.stringify(toGemini(chat)),
        headers: { 'content-type': 'application/json', authorization: 'Bearer token' },
      },
      {
        onRequestStart() {},
        onResponseStart() {
          if (chat.stream !== true) return;
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          stream = new StreamTranslator(response, chat.model);
        },
        onResponseData(controller, chunk) {
          if (stream === undefined) parts.push(chunk);
          else if (!stream.push(chunk)) {
            controller.pause();
            response.once('drain', () => {
              controller.resume();
            });
          }
        },
        onResponseEnd() {
          if (stream !== undefined) {
            stream.end();
            return;
          }
          const body = completion(JSON.parse(Buffer.concat(parts).toString()) as GeminiBody, chat.model);
          response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
          response.end(body);
        },
        onResponseError() {
          response.destroy();
        },
      },
    );
  };
  return createServer((request: IncomingMessage, response: ServerResponse) => {
    const parts: Buffer[] = [];
    request.on('data', (bytes: Buffer) => {
      parts.push(bytes);
    });
    request.on('end', () => {
      translate(JSON.parse(Buffer.concat(parts).toString()) as ChatBody, response);
    });
  });
}

if (import.meta.main) runServer(createTranslatingProxy(process.argv[2] ?? ''));
