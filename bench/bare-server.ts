/**
 * The baseline: Node's own HTTP server, which reads a request and writes the bytes of the scripted answer, made
 * beforehand, with one write for each event as a stream needs. It neither parses nor checks, routes or logs.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ChunkAssembler } from '../src/translate/events/assemble-chunks.ts';
import { CompletionFold } from '../src/translate/events/fold-completion.ts';
import type { RenderOptions } from '../src/translate/events/render-options.ts';
import { SCRIPTED_BATCHES } from './chat-fixtures.ts';
import { runServer } from './run-server.ts';

const RENDER: RenderOptions = {
  id: 'chatcmpl-000000000000000000000000',
  created: 1_750_000_000,
  model: 'google/gemini-2.5-flash',
  thoughts: { inContent: false, inReasoningContent: true },
  jsonOutput: false,
  usageMode: 'openai',
  streamUsage: 'own-chunk',
  parallelToolCalls: true,
  deprecatedFunctions: false,
  customTools: new Set(),
  newCallId: () => 'call_000000000000000000000000',
};

/** The writes of the streamed answer, cut as our server cuts them. */
function streamWrites(): string[] {
  const assembler = new ChunkAssembler(RENDER);
  const writes = SCRIPTED_BATCHES.map((batch) => assembler.push(batch));
  writes.push(assembler.end());
  const texts = writes.map((chunks) => chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join(''));
  return [...texts.filter((text) => text !== ''), 'data: [DONE]\n\n'];
}

function completionBody(): string {
  const fold = new CompletionFold(RENDER);
  for (const batch of SCRIPTED_BATCHES) fold.push(batch);
  return JSON.stringify(fold.end());
}

/** Answers a request whose body says `"stream":true` with the stream, any other with the completion. */
export function createBareServer(): Server {
  const writes = streamWrites();
  const completion = completionBody();
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const body: Buffer[] = [];
    request.on('data', (bytes: Buffer) => {
      body.push(bytes);
    });
    request.on('end', () => {
      if (!Buffer.concat(body).includes('"stream":true')) {
        response.writeHead(200, {
          'content-type': 'application/json; charset=utf-8',
          'content-length': Buffer.byteLength(completion),
        });
        response.end(completion);
        return;
      }
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache',
      });
      for (const text of writes) response.write(text);
      response.end();
    });
  };
  return createServer(answer);
}

if (import.meta.main) runServer(createBareServer());
