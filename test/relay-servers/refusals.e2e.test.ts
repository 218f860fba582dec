/** Requests that a real model server refuses, or is never sent, as OpenAI's SDK for Node sees them. */
import { randomBytes } from 'node:crypto';
import { AuthenticationError, BadRequestError, NotFoundError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LlamaCppServer, startLlamaCppServer } from '../support/llama-cpp-server.ts';
import { MISSING_SERVERS } from './missing-servers.ts';
import { type ParlanceInFront, startInFrontOf } from './parlance-in-front-of.ts';

const MESSAGES = [{ role: 'user' as const, content: 'Why is the sky blue?' }];
const IMAGE = { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };

/** How many requests a server has begun to answer. */
function requestsIn(log: string): number {
  return log.split('launch_slot_').length - 1;
}

describe.skipIf(MISSING_SERVERS !== '')(`llama.cpp's server, which asks for a key,${MISSING_SERVERS}`, () => {
  const key = randomBytes(16).toString('hex');
  let server: LlamaCppServer;
  let parlance: ParlanceInFront;

  beforeAll(async () => {
    server = await startLlamaCppServer({ slots: 1, contextSize: 256, apiKey: key });
    parlance = await startInFrontOf(`
upstreams:
  gemma: { kind: llamacpp, base_url: "${server.url}", api_key: ${key} }
  stranger: { kind: llamacpp, base_url: "${server.url}", api_key: not-${key} }
models:
  - { match: "*", upstream: gemma }
endpoints:
  gemma: { upstream: gemma }
  stranger: { upstream: stranger }
`);
  });

  afterAll(async () => {
    await parlance.stop();
    await server.stop();
  });

  /** What the SDK throws. */
  async function failureOf(endpoint: string, body: object, apiKey = 'local'): Promise<unknown> {
    const request = { model: 'gemma-2-9b-it', messages: MESSAGES, max_tokens: 4, ...body };
    return parlance
      .client(endpoint)
      .withOptions({ apiKey })
      .chat.completions.create(request)
      .catch((error: unknown) => error);
  }

  it.each([{ stream: false }, { stream: true }])(
    'says what it does not understand, stream: $stream',
    async ({ stream }) => {
      const failure = await failureOf('gemma', { stream, temperature: 'hot' });
      expect(failure).toBeInstanceOf(BadRequestError);
      expect(failure).toMatchObject({
        status: 400,
        type: 'invalid_request_error',
        code: 'invalid_argument',
        requestID: expect.stringMatching(/^req_\w+$/),
        // Its own words.
        message: expect.stringMatching(/temperature.*type must be number, but is string/),
        error: { upstream: { status: 400 } },
      });
    },
  );

  it.each([{ stream: false }, { stream: true }])(
    'has no room for a long conversation, stream: $stream',
    async ({ stream }) => {
      const messages = [{ role: 'user', content: 'word '.repeat(300) }];
      const failure = await failureOf('gemma', { stream, messages });
      expect(failure).toBeInstanceOf(BadRequestError);
      expect(failure).toMatchObject({
        code: 'context_length_exceeded',
        message: expect.stringMatching(/3\d\d tokens.*256 tokens/),
      });
    },
  );

  it('is asked with the key of the upstream, not with that of the client', async () => {
    const failure = await failureOf('stranger', {}, key);
    expect(failure).toBeInstanceOf(AuthenticationError);
    expect(failure).toMatchObject({ status: 401, code: 'invalid_api_key' });
  });

  it('is not sent an image, which its model does not read', async () => {
    const asked = requestsIn(server.log());
    const failure = await failureOf('gemma', { messages: [{ role: 'user', content: [IMAGE] }] });
    expect(failure).toBeInstanceOf(BadRequestError);
    expect(failure).toMatchObject({
      code: 'unsupported_media',
      param: 'messages[0].content[0].image_url',
      message: expect.stringContaining('llama.cpp'),
    });
    expect(requestsIn(server.log())).toBe(asked);
  });

  it('is not asked for an endpoint that is not configured', async () => {
    const failure = await failureOf('unknown', {});
    expect(failure).toBeInstanceOf(NotFoundError);
    expect(failure).toMatchObject({ status: 404, code: 'endpoint_not_found' });
  });
});
