import { hash } from 'node:crypto';

/** Project of local accounts that were given none. */
export const DEFAULT_PROJECT = 'parlance-local';

/** A project id, with the domain in front that old ones have. */
const PROJECT = /^(?:[a-z0-9.-]{1,63}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/;

/** Printable, without what would have to be escaped in a URL path, a shell or a JSON text. */
const EMAIL = /^[\w.+-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i;
const MAX_EMAIL_LENGTH = 254;

export function isProjectId(text: string): boolean {
  return PROJECT.test(text);
}

export function isEmail(text: string): boolean {
  return text.length <= MAX_EMAIL_LENGTH && EMAIL.test(text);
}

/** The e-mail address of a project's local service account. */
export function localAccountOf(project: string): string {
  // "example.com:name" becomes "name.example.com", as in Google's addresses.
  const [name, domain] = project.split(':').toReversed();
  return `local@${name}${domain === undefined ? '' : `.${domain}`}.iam.gserviceaccount.com`;
}

/** The number Google knows an account by, 21 digits; here made from its address. */
export function accountNumber(email: string): string {
  return `1${digits(email, 20)}`;
}

/** The number of a project, 12 digits; here made from its id. */
export function projectNumber(project: string): string {
  return `1${digits(project, 11)}`;
}

function digits(text: string, count: number): string {
  return String(BigInt(`0x${hash('sha256', text)}`) % 10n ** BigInt(count)).padStart(count, '0');
}
