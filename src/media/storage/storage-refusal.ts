import type { GatewayError } from '../../errors.ts';
import { excerptOf } from '../../translate/error/excerpt.ts';
import { readServerError } from '../../translate/error/read-server-error.ts';
import { retryAfterSeconds } from '../../translate/error/retry-after.ts';
import { cutSecrets, secretsIn } from '../../upstream/cut-secrets.ts';
import { type ExchangeResponse, readText } from '../../upstream/exchange.ts';
import type { FailedAttempt } from '../../upstream/retry.ts';
import { isPassing, unavailable } from '../unavailable.ts';
import { type BucketObject, describeObject } from './parse-bucket-uri.ts';

/** Larger bodies of errors are not read. */
const MAX_ERROR_BYTES = 16 * 1024;

/** An answer that is not the object. */
export class StorageRefusal extends Error {
  override readonly name = 'StorageRefusal';
  readonly status: number;
  /** Its own words, fit to be shown; '' for none. */
  readonly said: string;
  readonly retryAfterMs: number;

  private constructor(status: number, said: string, retryAfterMs: number) {
    super(`${status} ${said}`);
    this.status = status;
    this.said = said;
    this.retryAfterMs = retryAfterMs;
  }

  /** Of words that break off, take too long or are too many nothing is quoted: the status tells enough. */
  static async read(response: ExchangeResponse): Promise<StorageRefusal> {
    const { status, headers, body, sent } = response;
    const text = status < 400 ? '' : await readText(body, MAX_ERROR_BYTES).catch(() => '');
    body.cancel();
    const words = excerptOf(messageIn(text) ?? text, headers['content-type']).replace(/\.$/, '');
    const said = cutSecrets(words, secretsIn(sent));
    return new StorageRefusal(status, said, retryAfterSeconds(headers['retry-after']) * 1000);
  }

  /** Whether asking again may help. */
  get attempt(): FailedAttempt {
    const { status, retryAfterMs } = this;
    return { retryable: isPassing(status), hintMs: retryAfterMs };
  }
}

/** What is known of the question that was refused. */
export interface StorageQuestion {
  readonly object: BucketObject;
  /** Who was asked. */
  readonly host: string;
  /** No credentials went with it. */
  readonly isAnonymous: boolean;
}

/** What the client is told: who was asked for what, how it answered, what to do. */
export function explainRefusal(refusal: StorageRefusal, question: StorageQuestion): GatewayError {
  return unavailable(sentencesOf(refusal, question), { mayPass: isPassing(refusal.status), cause: refusal });
}

function sentencesOf(refusal: StorageRefusal, { object, host, isAnonymous }: StorageQuestion): string {
  const { status, said } = refusal;
  const uri = describeObject(object);
  const answer = `HTTP ${status}${said === '' ? '' : `: ${said}`}`;
  if (status < 400)
    return `${host} answered ${answer} for ${uri}, not the object. Redirects are not followed.`;
  if (refusal.attempt.retryable) return `${host} cannot serve ${uri} now (${answer}). Try again later.`;
  switch (status) {
    case 401:
    case 403:
      return isAnonymous
        ? `${uri} cannot be read without credentials: ${host} answered ${answer}. Send an access token of an account ` +
            'that has storage.objects.get on it, or make the object public.'
        : `${uri} cannot be read with the credentials that were sent to ${host} (${answer}). ${ADVICE[status]}`;
    case 404:
      return `${host} has no object ${uri}. Check bucket and name, capital letters included.`;
    default:
      return `${host} refused to serve ${uri} (${answer}).`;
  }
}

const ADVICE = {
  401: 'They must be an access token that has not expired, with the scope devstorage.read_only or cloud-platform.',
  403: 'Grant their account storage.objects.get, for example by the role roles/storage.objectViewer on the bucket.',
} as const;

function messageIn(text: string): string | undefined {
  try {
    return readServerError(JSON.parse(text))?.message;
  } catch {
    return undefined;
  }
}
