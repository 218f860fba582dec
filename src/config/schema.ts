/**
 * The configuration file: every key, its range, its default and its description, in one definition.
 * It validates `parlance.yaml`, types the result, and is the source of the published JSON Schema and of
 * the reference in docs/configuration.md. Contract sections 0, 1.1, 1.3, 4.3, 9.8, 10.7.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { authSchema } from './auth-schema.ts';
import { expandCompatPreset, wrongPreset } from './compat-preset.ts';
import { fetchSchema, storageSchema } from './media-schemas.ts';
import { upstreamSchema } from './upstream-schemas.ts';
import { oneOf, onOff, wholeNumber } from './value-schemas.ts';

const MEBIBYTE = 1024 * 1024;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const hostSchema = z
  .string()
  .refine(
    (host) => isIP(host) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(host),
    'must be a host name or an IP address, without port or brackets, such as `127.0.0.1` or `::1`',
  )
  .describe(
    'Address to listen on. `127.0.0.1` is this machine only, `0.0.0.0` every network; other machines need `auth.mode` `keys`, `google` or `passthrough`.',
  );

export const portSchema = wholeNumber({ min: 0, max: 65_535 }, 'Port to listen on. 0 takes any free one.');

export const logLevelSchema = oneOf(
  ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
  'Least severe level that is written.',
);

const serverSchema = z.strictObject({
  host: hostSchema.default('127.0.0.1'),
  port: portSchema.default(8080),
  max_body_bytes: wholeNumber(
    { min: 1024, max: 256 * MEBIBYTE },
    'Largest request body in bytes; a larger one is answered with 413. The default is 64 MiB.',
  ).default(64 * MEBIBYTE),
  large_body_bytes: wholeNumber(
    { min: MEBIBYTE, max: 64 * 1024 * MEBIBYTE },
    'Bytes of all request bodies over 1 MiB that wait for the beginning of their answer. Further ones are read when there is room; after half of request_timeout_ms they are answered with 503, and one that hardly comes loses its room to them. In memory each takes about its size where it is media, three times that where it is text; one whose length is not told counts as max_body_bytes until it is there. The default is 64 MiB.',
  ).default(64 * MEBIBYTE),
  max_header_bytes: wholeNumber(
    { min: 1024, max: MEBIBYTE },
    'Largest sum of all request headers in bytes; more is answered with 431.',
  ).default(16_384),
  request_timeout_ms: wholeNumber(
    { min: 100, max: HOUR_MS },
    'Time a client has to send its whole request, in milliseconds; then 408. It does not limit the answer.',
  ).default(120_000),
  keep_alive_ms: wholeNumber(
    { min: 0, max: HOUR_MS },
    'Time an idle connection stays open for the next request, in milliseconds. Set it above the idle time-out of a load balancer in front.',
  ).default(72_000),
  shutdown_grace_ms: wholeNumber(
    { min: 0, max: HOUR_MS },
    'Time running answers get to finish after SIGTERM or SIGINT, in milliseconds.',
  ).default(30_000),
});

const compatSchema = z
  .strictObject(
    {
      unsupported: oneOf(
        ['reject', 'ignore'],
        'What to do with a request field that cannot be honoured and would change the answer. `reject`: a 400 that names it. `ignore`: answer without it and name it in `x-parlance-ignored`.',
      ).default('reject'),
    },
    {
      error: ({ code, input }) =>
        code === 'invalid_type' && typeof input === 'string' ? wrongPreset(input) : undefined,
    },
  )
  // Editors may offer the words; they are written out before this schema sees them.
  .meta({ type: ['object', 'string'], pattern: String.raw`^(openai|google)$|\$\{` });

const thoughtsSchema = z.strictObject({
  delivery: oneOf(
    ['google', 'reasoning_content', 'both'],
    "Where the model's reasoning appears: in `content` as Google sends it, in `reasoning_content`, or in both. When absent: `google` on Vertex and Developer API paths, `reasoning_content` on `/v1/chat/completions`.",
  ).exactOptional(),
  replay: onOff(
    'Send the reasoning that clients give back in earlier assistant messages to the model again.',
  ).default(true),
});

const usageSchema = z.strictObject({
  mode: oneOf(
    ['openai', 'google'],
    'How `completion_tokens` counts. `openai`: with reasoning tokens, so that prompt and completion add up to the total. `google`: without them.',
  ).default('openai'),
});

const signaturesSchema = z.strictObject({
  max_entries: wholeNumber(
    { min: 1, max: 10_000_000 },
    'Signatures kept at most; the one unused for longest goes first.',
  ).default(20_000),
  ttl_ms: wholeNumber(
    { min: 1000, max: 30 * DAY_MS },
    'Time a signature is kept, in milliseconds. The default is 6 hours.',
  ).default(6 * HOUR_MS),
});

const streamSchema = z.strictObject({
  keepalive_ms: wholeNumber(
    { min: 0, max: HOUR_MS },
    'Silence in a stream after which a comment line keeps the connection alive, in milliseconds. 0 switches it off.',
  ).default(15_000),
});

/** Days of usage that are kept unless the file says otherwise: a year, and a month to look back on it. */
export const DEFAULT_USAGE_DAYS = 400;

const stateSchema = z.strictObject({
  database: z
    .string()
    .regex(
      /^postgres(?:ql)?:\/\/./,
      'must be the URL of a Postgres database: `postgres://USER:PASSWORD@HOST/NAME`',
    )
    .exactOptional()
    .describe(
      'URL of the Postgres database. When absent: a database of its own under `PARLANCE_HOME`, for one server on one machine.',
    ),
  redis: z
    .string()
    .regex(/^rediss?:\/\/./, 'must be the URL of a Redis server: `redis://HOST:6379`, or `rediss://` for TLS')
    .exactOptional()
    .describe(
      'URL of the Redis server that counts for limits, for several servers that share them. When absent: each server counts by itself.',
    ),
  usage_days: wholeNumber(
    { min: 32, max: 3660 },
    'Days for which the usage of requests is kept, for `parlance usage`. Older rows are deleted at start and once a day.',
  ).default(DEFAULT_USAGE_DAYS),
});

const logSchema = z.strictObject({ level: logLevelSchema.default('info') });

const upstreamNameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    'an upstream name has at most 64 letters, digits, `.`, `_` and `-`, and starts with a letter or digit',
  );

const endpointIdSchema = z
  .string()
  .regex(
    /^(?!openapi$)([A-Za-z0-9][A-Za-z0-9._-]{0,127}|\*)$/,
    'an endpoint id has at most 128 letters, digits, `.`, `_` and `-`, or is `*`; `openapi` is taken by the Gemini path',
  );

const modelRouteSchema = z.strictObject({
  match: z
    .string()
    .min(1, 'must not be empty')
    .describe(
      'Pattern for the model name a client asks for. `*` stands for any run of characters, `/` included.',
    ),
  upstream: z.string().describe('Name of the upstream that answers.'),
});

const endpointSchema = z.strictObject({
  upstream: z.string().describe('Name of the upstream that answers.'),
  model: z
    .string()
    .min(1, 'must not be empty')
    .exactOptional()
    .describe(
      'Name of the model that the upstream is asked for, whatever name the client wrote. Wins over the `model` of an upstream that is a model server. When absent: that one, else the name the client wrote.',
    ),
});

const fileSchema = z
  .strictObject({
    server: serverSchema.prefault({}).describe('The HTTP server.'),
    auth: authSchema.prefault({}).describe('Who may call the API.'),
    upstreams: z
      .record(upstreamNameSchema, upstreamSchema)
      .refine(
        (upstreams) => Object.keys(upstreams).length > 0,
        'name at least one upstream, or remove the key',
      )
      .exactOptional()
      .describe(
        'What answers requests, by a name of your choice. When absent: one upstream `local` with the embedded default model.',
      ),
    models: z
      .array(modelRouteSchema)
      .exactOptional()
      .describe(
        'Which upstream serves which model name; the first match wins. When absent and there is one upstream: it serves every name. Required with several upstreams, not counting those that only stand in the `fallback` of others.',
      ),
    endpoints: z
      .record(endpointIdSchema, endpointSchema)
      .exactOptional()
      .describe(
        'Which upstream serves which endpoint id, the part after `/endpoints/` in a Vertex URL; `*` is any other id. When absent and there is one upstream, not counting fallbacks, which is embedded or a model server: it serves every id. When absent else: no id is served.',
      ),
    storage: storageSchema.describe(
      'Buckets of Google Cloud Storage, or parts of them, that are read from a folder: `"gs://bucket": ./folder`. Relative paths start at the folder of the configuration file.',
    ),
    fetch: fetchSchema
      .prefault({})
      .describe(
        'Media that requests refer to by address, where the upstream cannot read them by itself: they are fetched and sent inline.',
      ),
    state: stateSchema
      .exactOptional()
      .describe(
        'Where keys of `parlance keys create` and the usage of each request are kept. Write `state: {}` to keep usage where nothing else needs it. When absent: under `PARLANCE_HOME`, and only where there are such keys or limits of a day or month.',
      ),
    compat: compatSchema
      .prefault({})
      .describe(
        "How strictly requests are read. Instead of the group, one word: `openai` for what OpenAI's clients expect on every route, the same as `compat: { unsupported: reject }`, `thoughts: { delivery: reasoning_content }` and `usage: { mode: openai }`; `google` for what Google's own endpoint does, the same as `compat: { unsupported: ignore }`, `thoughts: { delivery: google }` and `usage: { mode: google }`. What the file says under `thoughts` and `usage` wins.",
      ),
    thoughts: thoughtsSchema
      .prefault({})
      .describe("The model's reasoning: in answers, and when clients send it back."),
    signatures: signaturesSchema
      .prefault({})
      .describe(
        'Gemini 3 wants the signature of its reasoning back with each function call. For clients that drop it, Parlance remembers it, in memory.',
      ),
    usage: usageSchema.prefault({}).describe('How tokens are counted.'),
    stream: streamSchema.prefault({}).describe('Streamed answers.'),
    log: logSchema.prefault({}).describe("The server's own log."),
  })
  .meta({ title: 'Parlance configuration' });

export const configSchema = z.preprocess(expandCompatPreset, fileSchema);

/** A file's content with the defaults of single keys filled in. */
export type FileConfig = z.output<typeof configSchema>;
