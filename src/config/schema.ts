/**
 * The configuration file: every key, its range, its default and its description, in one definition.
 * It validates `parlance.yaml`, types the result, and is the source of the published JSON Schema and of
 * the reference in docs/configuration.md. Contract sections 0, 1.1, 1.3, 4.3, 9.8, 10.7.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { suggestName } from './nearest-name.ts';

const MEBIBYTE = 1024 * 1024;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Shortest accepted client key: 16 random letters and digits are beyond guessing. */
const MIN_KEY_LENGTH = 16;

const UPSTREAM_KINDS = ['embedded'];
const UNAVAILABLE_UPSTREAM_KINDS: ReadonlySet<unknown> = new Set([
  'vertex',
  'gemini',
  'vllm',
  'tgi',
  'sglang',
  'llamacpp',
  'ollama',
  'openai',
]);

const AUTH_MODES = ['open', 'keys'] as const;
const UNAVAILABLE_AUTH_MODES: ReadonlySet<unknown> = new Set(['local', 'passthrough', 'google']);

/** Key paths that belong to the configuration's design and that this version does not implement. */
export const UNAVAILABLE_KEYS: ReadonlySet<string> = new Set(['storage', 'vertex', 'thoughts.replay']);

interface WholeNumberRange {
  readonly min: number;
  readonly max: number;
}

/**
 * A whole number. Digits in quotes count as one, because a variable's value is always text: `"${PORT}"`.
 */
function wholeNumber({ min, max }: WholeNumberRange, description: string) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .preprocess(
      (value) => (typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value),
      z.int(message).min(min, message).max(max, message),
    )
    .meta({ description, type: ['integer', 'string'], pattern: String.raw`^\d+$|\$\{` });
}

/** One of a few words. */
function oneOf<const Words extends readonly [string, ...string[]]>(words: Words, description: string) {
  return z.enum(words, { error: ({ input }) => wrongWord(input, words) }).describe(description);
}

function wrongWord(input: unknown, words: readonly string[]): string {
  const allowed = `must be ${words.map((word) => `\`${word}\``).join(' or ')}`;
  return typeof input === 'string' ? `${allowed}; ${suggestName(input, words)}` : allowed;
}

export const hostSchema = z
  .string()
  .refine(
    (host) => isIP(host) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(host),
    'must be a host name or an IP address, without port or brackets, such as `127.0.0.1` or `::1`',
  )
  .describe(
    'Address to listen on. `127.0.0.1` is this machine only, `0.0.0.0` every network; other machines need `auth.mode: keys`.',
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

const authModeSchema = z
  .union([z.enum(AUTH_MODES), z.array(z.enum(AUTH_MODES)).min(1, wrongWord(undefined, AUTH_MODES))], {
    error: ({ input }) => {
      const wrong = [input].flat().find((mode) => !(AUTH_MODES as readonly unknown[]).includes(mode));
      if (UNAVAILABLE_AUTH_MODES.has(wrong)) {
        return `auth.mode \`${String(wrong)}\` is not available in this version; use \`keys\` or \`open\``;
      }
      return wrongWord(wrong, AUTH_MODES);
    },
  })
  .describe(
    'Who may call. `open`: everybody who reaches the port; refused off loopback. `keys`: callers who present one of `keys`.',
  );

/** Checked by hand, because editors apply a pattern or a length to `${PARLANCE_KEY}` itself. */
const keySchema = z
  .string()
  .refine((key) => key.length >= MIN_KEY_LENGTH, `must have at least ${MIN_KEY_LENGTH} characters`)
  .refine(
    (key) => /^[\u0021-\u007E]*$/.test(key),
    'must consist of visible ASCII characters, because it travels in an HTTP header',
  );

const authSchema = z
  .strictObject({
    mode: authModeSchema.default('open'),
    keys: z
      .array(keySchema)
      .default([])
      .describe('Keys that open the API, sent as `Authorization: Bearer KEY`. At least 16 characters each.'),
  })
  .superRefine(({ mode, keys }, context) => {
    const problem = (key: 'mode' | 'keys', message: string) =>
      context.addIssue({ code: 'custom', path: [key], message });
    const modes = new Set([mode].flat());
    if (modes.size > 1) {
      problem('mode', '`open` lets everybody in, so no other mode beside it has an effect; remove one');
    } else if (modes.has('keys') && keys.length === 0) {
      problem('keys', 'auth.mode `keys` needs at least one key: write `keys: ["${PARLANCE_KEY}"]`');
    } else if (modes.has('open') && keys.length > 0) {
      problem('keys', 'keys have no effect while auth.mode is `open`; write `mode: keys`, or remove them');
    }
  })
  .transform(({ mode, keys }) => ({ mode: [mode].flat()[0]!, keys }));

const compatSchema = z.strictObject({
  unsupported: oneOf(
    ['reject', 'ignore'],
    'What to do with a request field that cannot be honoured and would change the answer. `reject`: a 400 that names it. `ignore`: answer without it and name it in `x-parlance-ignored`.',
  ).default('reject'),
});

const thoughtsSchema = z.strictObject({
  delivery: oneOf(
    ['google', 'reasoning_content', 'both'],
    "Where the model's reasoning appears: in `content` as Google sends it, in `reasoning_content`, or in both. When absent: `google` on Vertex and Developer API paths, `reasoning_content` on `/v1/chat/completions`.",
  ).exactOptional(),
});

const usageSchema = z.strictObject({
  mode: oneOf(
    ['openai', 'google'],
    'How `completion_tokens` counts. `openai`: with reasoning tokens, so that prompt and completion add up to the total. `google`: without them.',
  ).default('openai'),
});

const streamSchema = z.strictObject({
  keepalive_ms: wholeNumber(
    { min: 0, max: HOUR_MS },
    'Silence in a stream after which a comment line keeps the connection alive, in milliseconds. 0 switches it off.',
  ).default(15_000),
});

const logSchema = z.strictObject({ level: logLevelSchema.default('info') });

const embeddedUpstreamSchema = z.strictObject({
  kind: z.literal('embedded').describe('The model runs inside Parlance, on llama.cpp.'),
  model: z
    .string()
    .min(1, 'must not be empty')
    .refine(
      (model) => !model.includes('://') || model.startsWith('https://'),
      'must be a catalogue name, an `https://` URL or the path of a GGUF file',
    )
    .default('smollm2-135m-instruct')
    .describe(
      'A catalogue name (`parlance models list`), an `https://` URL or the path of a GGUF file. Relative paths start at the folder of the configuration file.',
    ),
  slots: wholeNumber(
    { min: 1, max: 64 },
    'Answers generated at the same time. Each slot needs memory for its own context.',
  ).default(4),
  context_size: wholeNumber(
    { min: 128, max: 10_485_760 },
    'Tokens of prompt and answer together, for each slot. When absent: 4096, or less if the model has less.',
  ).exactOptional(),
  threads: wholeNumber(
    { min: 1, max: 1024 },
    'Threads that compute. When absent: one less than the machine has cores, at least 1.',
  ).exactOptional(),
  queue_size: wholeNumber(
    { min: 0, max: 100_000 },
    'Requests that may wait for a slot; further ones are answered with 429 at once.',
  ).default(64),
  gpu: z
    .preprocess((value) => (value === 'true' || value === 'false' ? value === 'true' : value), z.boolean())
    .meta({ type: ['boolean', 'string'], pattern: String.raw`^(true|false)$|\$\{` })
    .default(false)
    .describe('Compute on a GPU, if the installed engine supports the one in this machine.'),
  chat_template: z
    .string()
    .min(1, 'must not be empty')
    .exactOptional()
    .describe(
      "Jinja chat template to use instead of the model's own: the template itself, or the path of a file with it.",
    ),
  request_timeout_ms: wholeNumber(
    { min: 100, max: DAY_MS },
    'Longest time for one request, waiting included, in milliseconds; then 504.',
  ).default(600_000),
});

const upstreamSchema = z.discriminatedUnion('kind', [embeddedUpstreamSchema], {
  error: ({ code, input }) => {
    if (code !== 'invalid_union') return undefined;
    const kind = (input as { kind?: unknown }).kind;
    if (UNAVAILABLE_UPSTREAM_KINDS.has(kind)) {
      return `upstream kind \`${String(kind)}\` is not available in this version; use \`embedded\``;
    }
    return wrongWord(kind, UPSTREAM_KINDS);
  },
});

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
    .describe('Model name for requests to this endpoint that name none.'),
});

export const configSchema = z
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
        'Which upstream serves which model name; the first match wins. When absent and there is one upstream: it serves every name. Required with several upstreams.',
      ),
    endpoints: z
      .record(endpointIdSchema, endpointSchema)
      .exactOptional()
      .describe(
        'Which upstream serves which endpoint id, the part after `/endpoints/` in a Vertex URL; `*` is any other id. When absent and there is one upstream: it serves every id. When absent with several: no id is served.',
      ),
    compat: compatSchema.prefault({}).describe('How strictly requests are read.'),
    thoughts: thoughtsSchema.prefault({}).describe('Where reasoning appears in answers.'),
    usage: usageSchema.prefault({}).describe('How tokens are counted.'),
    stream: streamSchema.prefault({}).describe('Streamed answers.'),
    log: logSchema.prefault({}).describe("The server's own log."),
  })
  .meta({ title: 'Parlance configuration' });

/** The upstream of a configuration that names none. */
export const DEFAULT_UPSTREAM: Readonly<FileUpstream> = embeddedUpstreamSchema.parse({ kind: 'embedded' });

export type FileUpstream = z.output<typeof upstreamSchema>;

/** A file's content with the defaults of single keys filled in. */
export type FileConfig = z.output<typeof configSchema>;
