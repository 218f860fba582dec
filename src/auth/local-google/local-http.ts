import type { JsonObject } from '../../wire/validation/structure-checks.ts';
import { OAuthError } from './oauth-error.ts';

/** What the local sign-in needs of a request. Node's `IncomingHttpHeaders` fit. */
export interface LocalRequest {
  readonly method: string;
  /** As it came, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface LocalAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answers hold tokens. RFC 6749 section 5.1. */
const UNCACHED = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

export function jsonAnswer(status: number, body: JsonObject): LocalAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json', ...UNCACHED },
    body: JSON.stringify(body),
  };
}

/** Of the type the metadata server gives its texts. */
export function textAnswer(status: number, body: string): LocalAnswer {
  return { status, headers: { 'content-type': 'application/text', ...UNCACHED }, body };
}

/** A header that comes once; `undefined` when it does not. */
export function headerOf(request: LocalRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** The parameters of a form. */
export type Form = ReadonlyMap<string, string>;

/** @throws {OAuthError} `invalid_request` for another content type, and for a parameter given twice */
export function readForm(request: LocalRequest): Form {
  const [type = ''] = (headerOf(request, 'content-type') ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
    throw new OAuthError(
      'invalid_request',
      'The body has to be a form: send it as application/x-www-form-urlencoded.',
    );
  }
  const parameters = [...new URLSearchParams(request.body)];
  const form = new Map(parameters);
  // RFC 6749 section 3.2: which of the two would count is anybody's guess.
  if (form.size < parameters.length) throw new OAuthError('invalid_request', 'A parameter is given twice.');
  return form;
}

/** @throws {OAuthError} `invalid_request` when it is absent or empty */
export function parameterOf(form: Form, name: string): string {
  const value = form.get(name) ?? '';
  if (value === '') throw new OAuthError('invalid_request', `Missing required parameter: ${name}`);
  return value;
}
