import { type Account, domainOf, readEmail, readSubject } from './account-rules.ts';

/** What Google says about an account, in an ID token, in tokeninfo or in userinfo. */
export interface GoogleClaims {
  readonly email?: unknown;
  readonly email_verified?: unknown;
  readonly sub?: unknown;
  /** The organisation's domain. */
  readonly hd?: unknown;
}

/** An account of Google. */
export function readGoogleAccount(claims: GoogleClaims): Account {
  const email = readEmail(claims.email, claims.email_verified);
  return {
    email,
    subject: readSubject(claims.sub),
    domain: readDomain(email, claims.hd),
    project: email === undefined ? undefined : projectOf(email),
  };
}

/**
 * The domain whose organisation the account belongs to.
 *
 * Anyone may open a private Google account with an address of their employer and keep it after they left, so the
 * domain of the address alone proves nothing: what counts is `hd`, and addresses that Google itself gives out.
 */
function readDomain(email: string | undefined, hostedDomain: unknown): string | undefined {
  if (typeof hostedDomain === 'string' && hostedDomain !== '') return hostedDomain.toLowerCase();
  if (email === undefined) return undefined;
  const domain = domainOf(email);
  return isGoogleDomain(domain) ? domain : undefined;
}

function isGoogleDomain(domain: string): boolean {
  return domain === 'gmail.com' || domain === 'googlemail.com' || isServiceAccountDomain(domain);
}

function isServiceAccountDomain(domain: string): boolean {
  return domain.endsWith('.gserviceaccount.com');
}

const OWN_DOMAIN = '.iam.gserviceaccount.com';

/**
 * The project of a service account, from the forms of their addresses: `NAME@PROJECT.iam.gserviceaccount.com`, the
 * default accounts of App Engine (`PROJECT@appspot...`) and of Compute Engine (`NUMBER-compute@developer...`). Ids of
 * the form `example.com:project` stand there as `project.example.com`.
 */
export function projectOf(email: string): string | undefined {
  const domain = domainOf(email);
  const name = email.slice(0, -domain.length - 1);
  if (domain === 'appspot.gserviceaccount.com') return name;
  if (domain === 'developer.gserviceaccount.com') return /^(\d+)-compute$/.exec(name)?.[1];
  if (!domain.endsWith(OWN_DOMAIN)) return undefined;
  const [project, ...organisation] = domain.slice(0, -OWN_DOMAIN.length).split('.');
  return organisation.length === 0 ? project : `${organisation.join('.')}:${project}`;
}

/** Whether Google can say more about the domain than the address does. */
export function mayHaveHostedDomain({ email, domain }: Account): boolean {
  return email !== undefined && domain === undefined;
}
