/** Keys of upstreams that are model servers of one's own. Contract sections 8, 11 and 12. */
import { z } from 'zod';
import { SERVER_KIND_NAMES } from '../translate/relay/server-kinds.ts';
import { apiRoot } from './api-root.ts';
import {
  answerTimeoutKeys,
  apiKeySchema,
  connectTimeoutSchema,
  fallbackSchema,
  HOUR_MS,
  httpUrlSchema,
  isBaseUrl,
} from './upstream-keys.ts';
import { oneOf, onOff, wholeNumber } from './value-schemas.ts';

/** Headers that are part of the connection, or that decide how a body is read (RFC 9110, sections 7.6.1 and 8). */
const OWN_HEADERS = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const replicasSchema = z
  .array(httpUrlSchema)
  .min(1, 'name at least one server')
  .superRefine((urls, context) => {
    const seen = new Set<string>();
    for (const [index, url] of urls.entries()) {
      if (!isBaseUrl(url)) continue;
      const root = apiRoot(url);
      if (seen.has(root)) {
        const message = 'is the same as a URL above; remove one';
        context.addIssue({ code: 'custom', path: [index], message });
      }
      seen.add(root);
    }
  });

const baseUrlSchema = z
  .union([httpUrlSchema, replicasSchema], { error: 'must be a URL in quotes, or a list of them' })
  .transform((urls) => [urls].flat())
  .describe(
    "Where the server is; a list names replicas of one server, which share the requests. `https://` or `http://`, without user name, query and `#`. A path is the root of the API, as in the base URLs of OpenAI's SDKs (`http://host/vllm/v1`); without a path it is `/v1`. Required, except with `ollama`, where it is `http://127.0.0.1:11434` when absent.",
  );

const headerNameSchema = z
  .string()
  .refine((name) => /^[\w!#$%&'*+.^`|~-]+$/.test(name), 'a header name has letters, digits and `-` only')
  .refine(
    (name) => name.toLowerCase() !== 'authorization',
    '`authorization` is made of `api_key`; write the key there',
  )
  .refine((name) => !OWN_HEADERS.has(name.toLowerCase()), 'this header is set by Parlance; remove it');

const headerValueSchema = z
  .string()
  .refine(
    (value) => /^[\u0021-\u007E]([\u0020-\u007E]*[\u0021-\u007E])?$/.test(value),
    'must consist of visible ASCII characters with spaces between them, because it is a header of HTTP requests',
  )
  .describe('A further header of every request to the server, by its name.');

const headersSchema = z
  .record(headerNameSchema, headerValueSchema)
  .default({})
  .superRefine((headers, context) => {
    const seen = new Set<string>();
    for (const name of Object.keys(headers)) {
      if (seen.has(name.toLowerCase())) {
        const message = 'is given twice, since capitals do not count in header names; keep one';
        context.addIssue({ code: 'custom', path: [name], message });
      }
      seen.add(name.toLowerCase());
    }
  });

const healthSchema = z.strictObject({
  interval_ms: wholeNumber(
    { min: 0, max: HOUR_MS },
    'Time between two probes of a replica that is up, in milliseconds. 0: it is not probed.',
  ).default(10_000),
  down_interval_ms: wholeNumber(
    { min: 100, max: HOUR_MS },
    'Time between two probes of a replica that is down, in milliseconds.',
  ).default(1000),
  timeout_ms: wholeNumber(
    { min: 100, max: HOUR_MS },
    'Longest wait for the answer to a probe, in milliseconds; then it has failed.',
  ).default(2000),
});

const circuitSchema = z
  .strictObject({
    failures: wholeNumber(
      { min: 1, max: 1000 },
      'Failures of a replica in a row after which it gets no requests for a while.',
    ).default(5),
    open_ms: wholeNumber(
      { min: 100, max: HOUR_MS },
      'How long it gets none, in milliseconds; then one request tries it again. Doubled each time that fails.',
    ).default(1000),
    max_open_ms: wholeNumber(
      { min: 100, max: HOUR_MS },
      'Limit of that doubling, in milliseconds. At least `open_ms`.',
    ).default(30_000),
  })
  .superRefine(({ open_ms: least, max_open_ms: most }, context) => {
    if (least <= most) return;
    const message = `must be at least \`open_ms\`, which is ${least}`;
    context.addIssue({ code: 'custom', path: ['max_open_ms'], message });
  });

const capability = (can: string, unknown: string) =>
  onOff(`${can} When absent: as the server tells, else ${unknown}.`).exactOptional();

const capabilitiesSchema = z.strictObject({
  images: capability('The model takes images.', 'they are sent to it'),
  audio: capability('The model takes sound.', 'it is sent to it'),
  video: capability('The model takes videos.', 'they are sent to it'),
  files: capability('The model takes documents.', 'they are sent to it'),
  tools: capability('The model calls tools.', 'they are sent to it'),
  json_schema: capability('The server takes a JSON Schema in `response_format`.', 'it is sent to it'),
  logprobs: capability('The server gives log probabilities.', 'it is asked for them'),
});

const structuredOutputSchema = z.strictObject({
  check: oneOf(
    ['auto', 'always', 'never'],
    'Which answers are checked against the JSON Schema of their request. `auto`: those to schemas with `strict: true`, of servers that do not enforce schemas, which are those of kind `openai`. `always`: those to every schema. `never`: none.',
  ).default('auto'),
  repairs: wholeNumber(
    { min: 0, max: 3 },
    'Further attempts after an answer that does not fit its schema; the model is told what was wrong. Streams have none.',
  ).default(1),
});

const keysSchema = z.strictObject({
  kind: oneOf(
    SERVER_KIND_NAMES,
    "A model server of your own: vLLM, Hugging Face's TGI, SGLang, llama.cpp's server, Ollama, or with `openai` any other one that speaks Chat Completions.",
  ),
  base_url: baseUrlSchema.exactOptional(),
  model: z
    .string()
    .min(1, 'must not be empty')
    .exactOptional()
    .describe(
      "Name the server knows the model by. When absent: the name the client wrote, if the server lists it; else the server's only model; else the name the client wrote.",
    ),
  api_key: apiKeySchema
    .exactOptional()
    .describe('Key of the server, sent as `Authorization: Bearer KEY`. When absent: none is sent.'),
  headers: headersSchema,
  fallback: fallbackSchema,
  connect_timeout_ms: connectTimeoutSchema.default(2000),
  ...answerTimeoutKeys,
  retries: wholeNumber(
    { min: 0, max: 5 },
    'Further attempts after a failure that may pass, at another replica if there is one, before anything was sent to the client.',
  ).default(2),
  max_connections: wholeNumber({ min: 1, max: 65_535 }, 'Connections to one replica at most.').default(1024),
  health: healthSchema.prefault({}),
  circuit: circuitSchema.prefault({}),
  slow_start_ms: wholeNumber(
    { min: 0, max: HOUR_MS },
    'Time in which the share of a replica that has come up again grows to the full one, in milliseconds. 0: at once.',
  ).default(10_000),
  capabilities: capabilitiesSchema.prefault({}),
  structured_output: structuredOutputSchema.prefault({}),
});

export const serverUpstreamSchema = keysSchema
  .superRefine(({ kind, base_url: url }, context) => {
    if (url !== undefined || kind === 'ollama') return;
    const message = 'is missing: say where the server is, such as `base_url: "http://10.0.0.5:8000"`';
    context.addIssue({ code: 'custom', path: ['base_url'], message });
  })
  // The same for editors.
  .meta({ anyOf: [{ properties: { kind: { const: 'ollama' } } }, { required: ['base_url'] }] });

export type ServerUpstream = z.output<typeof serverUpstreamSchema>;
