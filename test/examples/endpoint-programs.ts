/** The examples that call a model behind an endpoint id, whoever answers there. */
import { resolve } from 'node:path';
import { expect } from 'vitest';
import type { ClientMachine, ClientRun } from '../support/client-machine.ts';
import { parseLines } from '../support/parse-lines.ts';
import {
  readCompletion,
  readRelayedStream,
  readText,
  readVertexStream,
  type StreamFacts,
  type Writer,
} from './answer-shapes.ts';

const EXAMPLES = resolve(import.meta.dirname, '../../examples');

interface EndpointProgram {
  readonly language: 'curl' | 'python' | 'node';
  readonly file: string;
  readonly isStream?: true;
  /** The model it names; `undefined` where the URL is all that names one. */
  readonly model?: string;
}

const PROGRAMS: readonly EndpointProgram[] = [
  { language: 'curl', file: 'endpoint.sh' },
  { language: 'curl', file: 'endpoint-stream.sh', isStream: true },
  { language: 'curl', file: 'endpoint-server-field.sh' },
  { language: 'python', file: 'endpoint.py', model: 'gemma-2-9b-it' },
  { language: 'python', file: 'endpoint_stream.py', model: 'gemma-2-9b-it', isStream: true },
  { language: 'python', file: 'endpoint_server_field.py', model: 'gemma-2-9b-it' },
  { language: 'node', file: 'endpoint.mjs', model: 'gemma-2-9b-it' },
  { language: 'node', file: 'endpoint-stream.mjs', model: 'gemma-2-9b-it', isStream: true },
  { language: 'node', file: 'endpoint-server-field.mjs', model: 'gemma-2-9b-it' },
];

/** The programs of one language, for a table of tests. */
export function endpointPrograms(language: EndpointProgram['language']): EndpointProgram[] {
  return PROGRAMS.filter((program) => program.language === language);
}

/** What a Python example says where nobody is signed in to Google. */
export const NOBODY_SIGNED_IN =
  /^No Google account is signed in; going on with a placeholder token\. \(.+\)\n$/;

interface EndpointRunOptions {
  readonly machine: ClientMachine;
  /** Path of the interpreter, for the programs in Python. */
  readonly python?: string;
  /** Who answers behind the endpoint. */
  readonly writer: Writer;
}

/** Runs a program, and checks what it prints. @returns the model it got an answer of, and the answer's text */
export async function runEndpointProgram(
  program: EndpointProgram,
  { machine, python = '', writer }: EndpointRunOptions,
): Promise<StreamFacts> {
  const { language, file, isStream = false } = program;
  const command = { curl: 'bash', python, node: process.execPath }[language];
  const { exitCode, stdout, stderr } = await machine.run(command, [resolve(EXAMPLES, language, file)]);
  expect(stderr).toMatch(language === 'python' ? NOBODY_SIGNED_IN : /^$/);
  expect(exitCode).toBe(0);
  if (isStream) {
    const chunks = language === 'curl' ? parseEvents(stdout) : parseLines(stdout);
    return writer === 'parlance' ? readVertexStream(chunks) : readRelayedStream(chunks);
  }
  const completion: unknown = JSON.parse(stdout);
  return { model: readCompletion(completion, writer).model, text: readText(completion, writer) };
}

/** The values of a stream of server-sent events that is complete. */
export function parseEvents(text: ClientRun['stdout']): unknown[] {
  const events = text.split('\n\n');
  expect(events.pop()).toBe('');
  expect(events.pop()).toBe('data: [DONE]');
  return events.map((event): unknown => JSON.parse(event.replace(/^data: /, '')));
}
