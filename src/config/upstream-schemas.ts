/**
 * The kinds of upstream and the keys of those that are Gemini or run inside Parlance. Contract sections 1.1 (hosts), 2 (`n`, `audio`), 3.4 (call ids), 7.2 (schemas)
 * and 11.3 (retries).
 */
import { z } from 'zod';
import { SERVER_KIND_NAMES } from '../translate/relay/server-kinds.ts';
import { serverUpstreamSchema } from './server-upstream-schema.ts';
import { thinkingFamilySchema } from './thinking-schema.ts';
import {
  answerTimeoutKeys,
  apiKeySchema,
  connectTimeoutSchema,
  fallbackSchema,
  httpUrlSchema,
  requestTimeoutSchema,
} from './upstream-keys.ts';
import { headerText, oneOf, onOff, wholeNumber, wrongWord } from './value-schemas.ts';

const UPSTREAM_KINDS = ['embedded', 'vertex', 'gemini', ...SERVER_KIND_NAMES];

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
  projector: z
    .string()
    .min(1, 'must not be empty')
    .refine(
      (model) => !model.includes('://') || model.startsWith('https://'),
      'must be a catalogue name, an `https://` URL or the path of a GGUF file',
    )
    .exactOptional()
    .describe(
      'Makes the model take images or audio: its multimodal projector (`mmproj`), named like `model`. When absent: the one the catalogue has for the model, if any.',
    ),
  image_side: wholeNumber(
    { min: 32, max: 4096 },
    'Pixels of the longer side that images are scaled down to. More shows the model more detail and can take many times as long.',
  ).default(512),
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
  gpu: onOff('Compute on a GPU, if the installed engine supports the one in this machine.').default(false),
  chat_template: z
    .string()
    .min(1, 'must not be empty')
    .exactOptional()
    .describe(
      "Jinja chat template to use instead of the model's own: the template itself, or the path of a file with it.",
    ),
  request_timeout_ms: requestTimeoutSchema,
  fallback: fallbackSchema,
});

/** Whether it is a Google Cloud project by id or number; the old form has a domain in front. */
export const isProject = (text: string): boolean => /^[a-z0-9][a-z0-9.:-]{0,63}$/.test(text);

export const projectSchema = z
  .string()
  .refine(isProject, 'must be a project id such as `my-project`, or a project number in quotes')
  .describe(
    'Google Cloud project that is called and billed. When absent: `GOOGLE_CLOUD_PROJECT`, else the project of the credentials. Not with `api_key`.',
  );

export const locationSchema = z
  .string()
  .refine(
    (location) => /^[a-z][a-z0-9-]{0,31}$/.test(location),
    'must be a location such as `us-central1`, `eu` or `global`',
  )
  .describe(
    'Region, multi-region (`us`, `eu`) or `global`. When absent: `GOOGLE_CLOUD_LOCATION`, else `us-central1`. Not with `api_key`.',
  );

const baseUrlSchema = httpUrlSchema.describe(
  "Replaces Google's host: a proxy, a private endpoint, an emulator. A path is kept; the API version and the model follow it. With `http://` off this machine, credentials travel unencrypted, which is said at start.",
);

const schemaSchema = z.strictObject({
  mode: oneOf(
    ['auto', 'json', 'openapi'],
    'How JSON Schemas are sent. `json`: as JSON Schema. `openapi`: rewritten into the OpenAPI subset that every Gemini model takes. `auto`: as JSON Schema from Gemini 2.5 on, else rewritten.',
  ).default('auto'),
  max_ref_depth: wholeNumber(
    { min: 1, max: 10 },
    'How often a schema that refers to itself is written out in the OpenAPI subset.',
  ).default(3),
});

const voiceName = z.string().min(1, 'must not be empty');

/** What the two ways to Gemini have in common. */
const geminiKeys = {
  base_url: baseUrlSchema.exactOptional(),
  http2: onOff('Speak HTTP/2 where the host offers it.').default(true),
  max_connections: wholeNumber({ min: 1, max: 65_535 }, 'Connections to one host at most.').default(256),
  connect_timeout_ms: connectTimeoutSchema.default(5000),
  ...answerTimeoutKeys,
  retries: wholeNumber(
    { min: 0, max: 5 },
    'Further attempts after a failure that may pass, before anything was sent to the client.',
  ).default(2),
  malformed_retries: wholeNumber(
    { min: 0, max: 5 },
    'Further attempts when the model wrote a function call that cannot be read, before anything was sent to the client; part of `retries`.',
  ).default(1),
  emulate_n: onOff(
    'Answer `n` above 1 with parallel requests where the model takes one candidate only. Each is charged.',
  ).default(true),
  schema: schemaSchema.prefault({}),
  function_ids: oneOf(
    ['auto', 'always', 'never'],
    'Whether call ids are sent with calls and their results. `auto`: to the Developer API, not to Vertex AI.',
  ).default('auto'),
  voice_map: z
    .record(voiceName, voiceName.describe('Gemini voice that speaks for this name.'))
    .exactOptional(),
  thinking: z.array(thinkingFamilySchema).exactOptional(),
  fallback: fallbackSchema,
};

export const vertexUpstreamSchema = z
  .strictObject({
    kind: z.literal('vertex').describe('Gemini on Vertex AI, through its native API.'),
    project: projectSchema.exactOptional(),
    location: locationSchema.exactOptional(),
    credentials: z
      .string()
      .min(1, 'must not be empty')
      .exactOptional()
      .describe(
        "`adc`: Application Default Credentials, found as Google's libraries find them. Else the path of a credentials file. When there is neither `access_token` nor `api_key`: `adc`.",
      ),
    access_token: headerText(1)
      .exactOptional()
      .describe('A fixed OAuth access token, for tests and short runs: nothing renews it.'),
    api_key: apiKeySchema
      .exactOptional()
      .describe('An API key of express mode, which stands for a project and knows no locations.'),
    api_version: oneOf(['v1', 'v1beta1'], 'Version of the API.').default('v1'),
    ...geminiKeys,
    global_fallback: onOff(
      'Ask once more at `global` when the location does not have a Gemini 3 model. Requests then leave the region.',
    ).default(true),
  })
  .superRefine((upstream, context) => {
    const problem = (key: keyof typeof upstream, message: string) =>
      context.addIssue({ code: 'custom', path: [key], message });
    const [, ...extra] = (['credentials', 'access_token', 'api_key'] as const).filter(
      (key) => upstream[key] !== undefined,
    );
    for (const key of extra) {
      problem(key, '`credentials`, `access_token` and `api_key` exclude each other; keep one');
    }
    if (upstream.api_key === undefined) return;
    for (const key of ['project', 'location'] as const) {
      if (upstream[key] !== undefined) problem(key, 'has no meaning beside `api_key`; remove one of them');
    }
  });

export const geminiUpstreamSchema = z.strictObject({
  kind: z.literal('gemini').describe('Gemini on the Gemini Developer API, through its native API.'),
  api_key: apiKeySchema
    .exactOptional()
    .describe(
      'A Gemini API key. When absent: `GEMINI_API_KEY`, else `GOOGLE_API_KEY`; one of the three is required.',
    ),
  api_version: oneOf(
    ['v1', 'v1beta', 'v1alpha'],
    'Version of the API. `v1` lacks much, system instructions and tools among it in some of its revisions.',
  ).default('v1beta'),
  ...geminiKeys,
});

export const upstreamSchema = z.discriminatedUnion(
  'kind',
  [embeddedUpstreamSchema, vertexUpstreamSchema, geminiUpstreamSchema, serverUpstreamSchema],
  {
    error: ({ code, input }) =>
      code === 'invalid_union' ? wrongWord((input as { kind?: unknown }).kind, UPSTREAM_KINDS) : undefined,
  },
);

export type EmbeddedUpstream = z.output<typeof embeddedUpstreamSchema>;
export type VertexUpstream = z.output<typeof vertexUpstreamSchema>;
export type GeminiUpstream = z.output<typeof geminiUpstreamSchema>;

/** An upstream as the file gives it, defaults of single keys filled in. */
export type FileUpstream = z.output<typeof upstreamSchema>;

/** The embedded engine with its default model. */
export const DEFAULT_UPSTREAM: Readonly<EmbeddedUpstream> = embeddedUpstreamSchema.parse({
  kind: 'embedded',
});
