import type { IncomingMessage } from 'node:http';
import { randomBase62 } from '../ids.ts';

/** Request ids clients may choose: nothing that could break a log line or a header. */
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** The client's own `x-request-id` where it is harmless, else a new one. */
export function chooseRequestId(request: IncomingMessage): string {
  const sent = request.headers['x-request-id'];
  return typeof sent === 'string' && REQUEST_ID.test(sent) ? sent : newRequestId();
}

export function newRequestId(): string {
  return `req_${randomBase62()}`;
}
