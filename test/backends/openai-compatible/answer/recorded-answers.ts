import { readdirSync, readFileSync } from 'node:fs';
import type { JsonObject } from '../../../../src/wire/validation/structure-checks.ts';

/** An answer of a model server that somebody recorded. */
export interface RecordedAnswer {
  /** `<api>/<file>`. */
  readonly name: string;
  readonly status: number;
  /** A whole answer. */
  readonly body?: JsonObject;
  /** A stream, as it was on the wire. */
  readonly sse?: string;
}

export type RecordedStream = RecordedAnswer & { readonly sse: string };
export type RecordedCompletion = RecordedAnswer & { readonly body: JsonObject };

const folder = new URL('../../../recordings/', import.meta.url);

const SERVERS = [
  'gpustack',
  'hf-router',
  'llamacpp',
  'mistralrs',
  'ollama',
  'openai-like-hosted',
  'tgi',
  'vllm',
] as const;

const ANSWERS: readonly RecordedAnswer[] = SERVERS.flatMap((server) =>
  readdirSync(new URL(server, folder)).map((file) => {
    const { response } = JSON.parse(readFileSync(new URL(`${server}/${file}`, folder), 'utf8')) as {
      response: Omit<RecordedAnswer, 'name'>;
    };
    return Object.assign(response, { name: `${server}/${file.replace('.json', '')}` });
  }),
);

/** Every recorded stream of a model server. */
export const STREAMS = ANSWERS.filter((answer): answer is RecordedStream => answer.sse !== undefined);

/** Every recorded completion of a model server. */
export const COMPLETIONS = ANSWERS.filter(
  (answer): answer is RecordedCompletion => answer.body !== undefined && answer.status === 200,
);

/** Every recorded error of a model server. */
export const ERRORS = ANSWERS.filter(({ status }) => status !== 200);
