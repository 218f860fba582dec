import type { FastifyReply, FastifyRequest } from 'fastify';
import type { LocalAnswer, LocalRequest } from '../auth/local-google/local-http.ts';
import { splitTarget, unknownPath } from './check-request.ts';

/** The local Google sign-in, as the server sees it. */
export interface SignIn {
  /** @returns `undefined` when the path is none of its own */
  handle(request: LocalRequest): Promise<LocalAnswer | undefined>;
}

/** @throws {GatewayError} `not_found` for a path that is not one of the sign-in either */
export async function answerSignIn(
  request: FastifyRequest,
  reply: FastifyReply,
  signIn: SignIn | undefined,
): Promise<FastifyReply> {
  const { pathname, query } = splitTarget(request.raw.url ?? '/');
  const { body, method, headers } = request;
  const answer = await signIn?.handle({
    method,
    path: pathname,
    query: new URLSearchParams(query),
    headers,
    body: Buffer.isBuffer(body) ? body.toString('utf8') : '',
  });
  if (answer === undefined) throw unknownPath(method, pathname);
  return reply.code(answer.status).headers(answer.headers).send(answer.body);
}
