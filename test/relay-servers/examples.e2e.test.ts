/** The examples that call an endpoint, as they stand, with a real model server behind it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpointPrograms, runEndpointProgram } from '../examples/endpoint-programs.ts';
import { type ClientMachine, createClientMachine } from '../support/client-machine.ts';
import { NO_PYTHON, PYTHON } from '../support/client-python.ts';
import { type LlamaCppServer, startLlamaCppServer } from '../support/llama-cpp-server.ts';
import { MISSING_SERVERS } from './missing-servers.ts';
import { type ParlanceInFront, startInFrontOfEndpoint } from './parlance-in-front-of.ts';

const SERVED_MODEL = 'smollm2-135m-instruct';

describe.skipIf(MISSING_SERVERS !== '')(`llama.cpp's server behind an endpoint${MISSING_SERVERS}`, () => {
  let server: LlamaCppServer;
  let parlance: ParlanceInFront;
  let machine: ClientMachine;

  beforeAll(async () => {
    // The examples do not say how long an answer may be.
    server = await startLlamaCppServer({ slots: 1, maxTokens: 24 });
    parlance = await startInFrontOfEndpoint(server, '1234567890');
    machine = await createClientMachine({ env: { PARLANCE_URL: parlance.url } });
  });

  afterAll(async () => {
    await machine.remove();
    await parlance.stop();
    await server.stop();
  });

  it.each([...endpointPrograms('curl'), ...endpointPrograms('node')])(
    'answers $language/$file',
    async (program) => {
      expect(await runEndpointProgram(program, { machine, writer: 'model server' })).toEqual({
        model: program.model ?? SERVED_MODEL,
        text: expect.stringMatching(/./s),
      });
    },
  );

  it.skipIf(NO_PYTHON !== '').each(endpointPrograms('python'))(
    `answers $language/$file${NO_PYTHON}`,
    async (program) => {
      expect(await runEndpointProgram(program, { machine, python: PYTHON, writer: 'model server' })).toEqual({
        model: program.model,
        text: expect.stringMatching(/./s),
      });
    },
  );
});
