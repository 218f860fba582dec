/** An account as its issuer vouches for it. */
export interface Account {
  /** In lower case; absent when the issuer does not vouch for it. */
  readonly email?: string | undefined;
  /** The organisation's domain, in lower case; absent when the issuer does not vouch for it. */
  readonly domain?: string | undefined;
  /** The issuer's own name for the account: `sub`, or the unique id of a service account. */
  readonly subject?: string | undefined;
  /** Id or number of the Google Cloud project that a service account belongs to. */
  readonly project?: string | undefined;
}

/**
 * Who may call: an account that one of these rules names. Without any rule nobody may, because the large issuers give
 * tokens for any audience to everyone.
 */
export interface AccountRules {
  /** Everyone the issuer has a valid token for. @default false */
  readonly everyone?: boolean;
  /** Domains of organisations, such as `example.com`. Their subdomains are not meant. */
  readonly domains?: readonly string[];
  /** E-mail addresses of people and service accounts. */
  readonly emails?: readonly string[];
  /** The issuer's own names for accounts. */
  readonly subjects?: readonly string[];
  /** Google Cloud projects, by id or number, whose service accounts may call. */
  readonly projects?: readonly string[];
}

/** {@link AccountRules}, ready to be asked. */
export class AccountGate {
  readonly #everyone: boolean;
  readonly #domains: ReadonlySet<string>;
  readonly #emails: ReadonlySet<string>;
  readonly #subjects: ReadonlySet<string>;
  readonly #projects: ReadonlySet<string>;

  /** @throws {RangeError} without any rule */
  constructor(rules: AccountRules) {
    this.#everyone = rules.everyone ?? false;
    this.#domains = new Set(rules.domains?.map((domain) => domain.toLowerCase()));
    this.#emails = new Set(rules.emails?.map((email) => email.toLowerCase()));
    this.#subjects = new Set(rules.subjects);
    this.#projects = new Set(rules.projects);
    const named = [this.#domains, this.#emails, this.#subjects, this.#projects];
    if (!this.#everyone && named.every((names) => names.size === 0)) {
      throw new RangeError('name who may call: domains, emails, subjects or projects, or everyone');
    }
  }

  /** Why the account may not call, as a sentence; `undefined` when it may. */
  refusal(account: Account): string | undefined {
    if (this.#everyone || this.#names(account)) return undefined;
    const name = account.email ?? account.subject ?? 'of this token';
    if (account.email === undefined && this.#needsEmail) {
      return `The account ${name} is not among the subjects that may call here, and its token shows no verified e-mail address, which the rules of this server need.`;
    }
    return `The account ${name} may not call here: ${this.#describeRules(account)}.`;
  }

  /** Whether it depends on the domain if this account may call. */
  dependsOnDomain(account: Account): boolean {
    return this.#domains.size > 0 && !this.#everyone && !this.#names(account);
  }

  get #needsEmail(): boolean {
    return this.#domains.size > 0 || this.#emails.size > 0 || this.#projects.size > 0;
  }

  #names({ email, domain, subject, project }: Account): boolean {
    return (
      (email !== undefined && this.#emails.has(email)) ||
      (domain !== undefined && this.#domains.has(domain)) ||
      (subject !== undefined && this.#subjects.has(subject)) ||
      (project !== undefined && this.#projects.has(project))
    );
  }

  /** Which rules there are, without what stands in them: that is no business of a stranger. */
  #describeRules({ domain, project }: Account): string {
    const reasons = [];
    if (this.#domains.size > 0) {
      reasons.push(
        domain === undefined
          ? 'its issuer vouches for no domain of it ("domains")'
          : `its domain ${domain} is not allowed ("domains")`,
      );
    }
    if (this.#emails.size > 0) reasons.push('its e-mail address is not listed ("emails")');
    if (this.#subjects.size > 0) reasons.push('its subject is not listed ("subjects")');
    if (this.#projects.size > 0) {
      reasons.push(
        project === undefined
          ? 'it is no service account of an allowed project ("projects")'
          : `its project ${project} is not allowed ("projects")`,
      );
    }
    return reasons.join(', ');
  }
}

/** Longest `sub`. OpenID Connect Core 1.0 section 2. */
const MAX_SUBJECT_LENGTH = 255;
const MAX_EMAIL_LENGTH = 320;

/** An account name that can stand in logs and headers; `undefined` for anything else. */
export function readSubject(value: unknown): string | undefined {
  const isSubject =
    typeof value === 'string' && value.length <= MAX_SUBJECT_LENGTH && /^[\u0021-\u007E]+$/.test(value);
  return isSubject ? value : undefined;
}

/**
 * An e-mail address in lower case, if the issuer has verified that it belongs to the account.
 *
 * Only ASCII: letters of other scripts may become a, b, c in lower case.
 *
 * @param verified `email_verified`; Google's tokeninfo gives it as a string
 */
export function readEmail(email: unknown, verified: unknown): string | undefined {
  if (verified !== true && verified !== 'true') return undefined;
  const isEmail =
    typeof email === 'string' &&
    email.length <= MAX_EMAIL_LENGTH &&
    /^[\u0021-\u003F\u0041-\u007E]+@[\da-z.-]+$/i.test(email);
  return isEmail ? email.toLowerCase() : undefined;
}

export function domainOf(email: string): string {
  return email.slice(email.lastIndexOf('@') + 1);
}
