/** The group `auth`: who may call, on which routes, and what proves it. Contract section 1.3. */
import { z } from 'zod';
import { DEFAULT_PROJECT, isProjectId } from '../auth/local-google/account-names.ts';
import type { RouteFamily } from '../translate/events/render-options.ts';
import { googleAccountsSchema, issuerSchema } from './account-schemas.ts';
import { headerText, wholeNumber, wrongWord } from './value-schemas.ts';

/** Shortest accepted client key: 16 random letters and digits are beyond guessing. */
const MIN_KEY_LENGTH = 16;

const DAY_S = 86_400;

const AUTH_MODES = ['open', 'local', 'keys', 'google', 'passthrough'] as const;

export type AuthMode = (typeof AUTH_MODES)[number];

/** Modes that may stand together. */
const CLOSED_MODES = ['local', 'keys', 'google'] as const;

/** Modes that leave nothing for others to decide, and why. */
const LONE_MODES: ReadonlyMap<unknown, string> = new Map([
  ['open', 'lets everybody in'],
  ['passthrough', 'takes any credential and leaves it to the upstream to judge'],
]);

const modesSchema = z.union(
  [z.enum(AUTH_MODES), z.array(z.enum(CLOSED_MODES)).min(1, wrongWord(undefined, CLOSED_MODES))],
  { error: ({ input }) => explainModes(input) },
);

function explainModes(input: unknown): string {
  if (!Array.isArray(input)) return wrongWord(input, AUTH_MODES);
  const wrong: unknown = input.find((mode) => !(CLOSED_MODES as readonly unknown[]).includes(mode));
  const reason = LONE_MODES.get(wrong);
  if (reason === undefined) return wrongWord(wrong, CLOSED_MODES);
  return `\`${String(wrong)}\` ${reason}, so it stands alone: write it without a list, or remove it`;
}

const familySchema = (urls: string) => modesSchema.exactOptional().describe(`As \`auth.mode\`, on ${urls}.`);

const routesSchema = z.strictObject({
  vertex: familySchema("Vertex AI's URLs, `/v1/projects/...` and `/v1beta1/projects/...`"),
  devapi: familySchema("the Gemini Developer API's URLs, `/v1beta/...`"),
  plain: familySchema("OpenAI's URLs, `/v1/chat/completions`, `/v1/models` and the same without `/v1`"),
} satisfies Record<RouteFamily, unknown>);

const MAX_LIMIT = 1_000_000_000_000;

const limit = (description: string) => wholeNumber({ min: 1, max: MAX_LIMIT }, description).exactOptional();

const limitsSchema = z.strictObject({
  requests_per_minute: limit(
    'Requests a caller may make in a minute. A caller that was idle may make them all at once.',
  ),
  tokens_per_minute: limit('Tokens a caller may use in a minute, prompt and answer together.'),
  concurrent_requests: limit('Requests of a caller that may run at the same time.'),
  tokens_per_day: limit('Tokens a caller may use in a day (UTC).'),
  tokens_per_month: limit('Tokens a caller may use in a month (UTC).'),
  assumed_completion_tokens: wholeNumber(
    { min: 1, max: 10_000_000 },
    'Tokens that are reserved for the answer to a request without `max_completion_tokens` or `max_tokens`. At most a tenth of the smallest limit of tokens is. What was not used is given back when the answer is over.',
  ).default(4096),
});

const localSchema = z.strictObject({
  token_lifetime_s: wholeNumber(
    { min: 1, max: DAY_S },
    'Life of the tokens that local sign-in gives, in seconds.',
  ).default(3600),
  project: z
    .string()
    .refine(isProjectId, 'must be a project id: 6 to 30 lower-case letters, digits and hyphens')
    .default(DEFAULT_PROJECT)
    .describe('Google Cloud project that its metadata server tells clients they belong to.'),
});

const writtenAuthSchema = z
  .strictObject({
    mode: modesSchema
      .default('open')
      .describe(
        'Who may call. `open`: everybody who reaches the port; refused off loopback. `local`: programs of this machine, with Google credentials that Parlance itself gives; refused off loopback. `keys`: callers who present one of `keys` or a key of `parlance keys create`. `google`: accounts that `google.allow` names, and those of `oidc`. `passthrough`: everybody with a credential; it goes to the upstream, which judges it. In a list of `local`, `keys` and `google`, one of them has to know the caller.',
      ),
    routes: routesSchema.prefault({}).describe('What holds instead of `mode` on the routes of one family.'),
    keys: z
      .array(headerText(MIN_KEY_LENGTH))
      .default([])
      .describe(
        'Keys that open the API, sent as `Authorization: Bearer KEY`. At least 16 characters each. When there are none, or with `state`: also those of `parlance keys create`.',
      ),
    limits: limitsSchema
      .prefault({})
      .describe(
        'How much each caller may use; all are without limit when absent. The limits of a key of `parlance keys create` win, one by one. Everybody without a name of their own, as in modes `open` and `passthrough`, is one caller.',
      ),
    local: localSchema.exactOptional().describe('Sign-in as with Google, without Google, on this machine.'),
    google: googleAccountsSchema.exactOptional().describe('Google accounts that may call.'),
    oidc: z.array(issuerSchema).default([]).describe('Further issuers of ID tokens, for mode `google`.'),
  })
  .superRefine((auth, context) => {
    const problem = (path: readonly (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path: [...path], message });
    const used = new Set(Object.values(modesByFamily(auth)).flat());
    for (const { key, mode, isGiven } of groupsOfModes(auth)) {
      if (isGiven && !used.has(mode)) problem([key], withoutMode(key, mode));
    }
    if (used.has('google') && auth.google === undefined && auth.oidc.length === 0) {
      problem(
        ['google'],
        'auth mode `google` needs to know who may call: write `google: { allow: { domains: [example.com] } }`, or name issuers in `oidc`',
      );
    }
    for (const [index, { issuer }] of auth.oidc.entries()) {
      const first = auth.oidc.findIndex((other) => other.issuer === issuer);
      if (first < index) problem(['oidc', index, 'issuer'], 'stands in this list already; remove one');
    }
  });

type WrittenAuth = z.output<typeof writtenAuthSchema>;

/** Keys of the group that have an effect with one mode only. */
function groupsOfModes({ keys, local, google, oidc }: Omit<WrittenAuth, 'mode' | 'routes'>) {
  return [
    { key: 'keys', mode: 'keys', isGiven: keys.length > 0 },
    { key: 'local', mode: 'local', isGiven: local !== undefined },
    { key: 'google', mode: 'google', isGiven: google !== undefined },
    { key: 'oidc', mode: 'google', isGiven: oidc.length > 0 },
  ] as const;
}

const withoutMode = (key: string, mode: AuthMode) =>
  `has no effect, because no auth mode is \`${mode}\`; write \`mode: ${mode}\`, or remove \`${key}\``;

/** Every family with its modes, each once, in the order of the file. */
function modesByFamily({
  mode,
  routes,
}: Pick<WrittenAuth, 'mode' | 'routes'>): Record<RouteFamily, AuthMode[]> {
  const modesOf = (family: RouteFamily) => [...new Set([routes[family] ?? mode].flat())];
  return { vertex: modesOf('vertex'), devapi: modesOf('devapi'), plain: modesOf('plain') };
}

/** The group as the file has it, and in its result every family's modes instead of `mode` and what differs from it. */
export const authSchema = writtenAuthSchema.transform(
  ({ mode, routes, keys, limits, local, google, oidc }) => ({
    routes: modesByFamily({ mode, routes }),
    keys,
    limits,
    local: local ?? localSchema.parse({}),
    ...(google !== undefined && { google }),
    oidc,
  }),
);
