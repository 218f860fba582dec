/**
 * The load generator's process, so that its work is not counted as the server's. Takes its orders as one JSON
 * argument; reports on the IPC channel and ends.
 */
import { SCRIPTED_PIECES, SCRIPTED_PROMPT_TOKENS, scriptedRequest } from './chat-fixtures.ts';
import { checkCompletion, checkStream } from './check-answer.ts';
import { runClosedLoop } from './closed-loop.ts';
import { obeyOrder } from './generator.ts';

export interface LoadOrder {
  readonly port: number;
  readonly stream: boolean;
  readonly connections: number;
  readonly requests: number;
}

/** Sends the scripted request again and again and checks every answer. @throws {Error} at the first wrong one */
export async function generateLoad({ port, stream, connections, requests }: LoadOrder): Promise<void> {
  const expected = { pieces: SCRIPTED_PIECES, promptTokens: SCRIPTED_PROMPT_TOKENS };
  const check = stream ? checkStream : checkCompletion;
  await runClosedLoop({
    port,
    body: scriptedRequest(stream),
    connections,
    requests,
    check: (response) => check(response, expected),
  });
}

if (import.meta.main) await obeyOrder(generateLoad);
