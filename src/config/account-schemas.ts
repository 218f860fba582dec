/** Accounts that may call, and the issuers that vouch for them. Contract section 1.3. */
import { z } from 'zod';
import { readEmail, readSubject } from '../auth/inbound/account-rules.ts';
import { GOOGLE_ISSUER } from '../auth/inbound/id-token-issuer.ts';
import { isTrustworthy } from '../auth/inbound/identity-endpoint.ts';
import { isBaseUrl } from './upstream-keys.ts';
import { isProject } from './upstream-schemas.ts';
import { onOff } from './value-schemas.ts';

const DOMAIN = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z][a-z0-9-]*$/i;

/** What never equals an address or a subject that an issuer gives is a mistake. */
const email = z
  .string()
  .refine(
    (text) => readEmail(text, true) !== undefined && !text.includes('*'),
    'must be one e-mail address such as `ann@example.com`; a whole organisation is named with `domains`',
  );
const domain = z
  .string()
  .refine(
    (text) => DOMAIN.test(text),
    'must be a domain such as `example.com`, without `@` and `*`; subdomains are named one by one',
  );
const subject = z
  .string()
  .refine(
    (text) => readSubject(text) !== undefined,
    'must be a subject (`sub`): at most 255 visible ASCII characters',
  );
const project = z
  .string()
  .refine(isProject, 'must be a project id such as `my-project`, or a project number in quotes');

const ruleKeys = {
  everyone: onOff(
    'Every account that the issuer has. With a large issuer such as Google that is everybody.',
  ).default(false),
  domains: z
    .array(domain)
    .default([])
    .describe(
      'Organisations by their domain, without its subdomains. Of Google those count that it vouches for (`hd`), of other issuers those of verified addresses.',
    ),
  emails: z.array(email).default([]).describe('E-mail addresses that the issuer has verified.'),
  subjects: z.array(subject).default([]).describe("The issuer's own names for accounts (`sub`)."),
};

interface Rules {
  readonly everyone: boolean;
  readonly [list: string]: boolean | readonly string[];
}

/** Without a rule nobody may call, and beside `everyone` no other rule has an effect. */
function checkRules({ everyone, ...lists }: Rules, context: z.RefinementCtx): void {
  const problem = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  const namesSomebody = Object.values(lists).flat().length > 0;
  if (!everyone && !namesSomebody) {
    problem([], 'must say who may call, for example `allow: { domains: [example.com] }`');
  }
  if (everyone && namesSomebody) {
    problem(['everyone'], '`everyone` leaves the other rules without effect; remove it, or them');
  }
}

const googleRulesSchema = z
  .strictObject({
    ...ruleKeys,
    projects: z
      .array(project)
      .default([])
      .describe('Google Cloud projects, by id or number, whose service accounts may call.'),
  })
  .superRefine(checkRules);

/** Only Google names projects. */
const issuerRulesSchema = z.strictObject(ruleKeys).superRefine(checkRules);

const audience = z.string().min(1, 'must not be empty');

export const googleAccountsSchema = z.strictObject({
  allow: googleRulesSchema
    .prefault({})
    .describe('Google accounts that may call: those that any of these rules names.'),
  audiences: z
    .array(audience)
    .default([])
    .describe(
      'Values of `aud` that Google ID tokens must have one of, such as the URL of this server. When absent: no ID tokens are taken, only access tokens.',
    ),
});

export const issuerSchema = z.strictObject({
  issuer: z
    .string()
    .refine(
      isIssuer,
      'must be an `https://` URL without user name, query and `#`; `http://` is for this machine alone',
    )
    .refine(
      (issuer) => issuer.replace(/\/$/, '') !== GOOGLE_ISSUER,
      'is Google: say it as `google: { audiences: [...], allow: {...} }`',
    )
    .describe(
      'An OpenID Connect issuer, to the letter as its tokens name it (`iss`): an `https://` URL; `http://` is for this machine alone.',
    ),
  audiences: z
    .array(audience)
    .min(1, 'name at least one audience: what `aud` of tokens for this server is')
    .describe('Values of `aud` that mean this server; a token must have one of them, and no other.'),
  keys_url: z
    .string()
    .refine(
      isKeysUrl,
      'must be an `https://` URL without user name and `#`; `http://` is for this machine alone',
    )
    .exactOptional()
    .describe(
      'Where its public keys are (JWKS). When absent: where its `/.well-known/openid-configuration` says.',
    ),
  allow: issuerRulesSchema
    .prefault({})
    .describe('Accounts of this issuer that may call: those that any of these rules names.'),
});

/** Over plain HTTP anyone on the way could put in keys of their own. */
function isIssuer(text: string): boolean {
  return isBaseUrl(text) && !/\s/.test(text) && isTrustworthy(new URL(text));
}

function isKeysUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && isTrustworthy(url) && url.username === '' && url.password === '' && url.hash === '';
}
