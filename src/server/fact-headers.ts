import type { FastifyRequest } from 'fastify';
import type { ChatFacts } from './handle-chat.ts';
import { printableText } from './printable-text.ts';

/** Bytes of a header whose content clients or upstreams choose. */
const MAX_HEADER_VALUE = 2048;

/** The headers of a chat answer: its name, the caller's limits, and where it comes from. */
export function answerHeaders(
  { id, limitHeaders, startedAt }: Pick<FastifyRequest, 'id' | 'limitHeaders' | 'startedAt'>,
  facts: ChatFacts,
): Record<string, string> {
  return { 'x-request-id': id, ...limitHeaders, ...factHeaders(facts, startedAt) };
}

/** What an answer's headers say about where it comes from. */
export function factHeaders(facts: ChatFacts, startedAt: number): Record<string, string> {
  const { upstream, modelVersion, replica, passedOver, ignored, signature, upstreamMs } = facts;
  const total = performance.now() - startedAt;
  const own = Math.max(0, total - upstreamMs);
  const headers: Record<string, string> = {
    'x-parlance-upstream': headerValue(upstream),
    'x-parlance-model-version': headerValue(modelVersion),
    'server-timing': `total;dur=${total.toFixed(1)}, upstream;dur=${upstreamMs.toFixed(1)}, own;dur=${own.toFixed(1)}`,
  };
  if (replica !== undefined) headers['x-parlance-replica'] = headerValue(replica);
  if (passedOver.length > 0) headers['x-parlance-passed-over'] = passedOverHeader(passedOver);
  if (ignored.length > 0) headers['x-parlance-ignored'] = headerValue(ignored.join(', '));
  if (signature !== undefined) headers['x-parlance-signature'] = headerValue(signature);
  return headers;
}

/** Who was asked before and why it did not answer. */
export function passedOverHeader(passedOver: readonly string[]): string {
  return headerValue(passedOver.join('; '));
}

function headerValue(text: string): string {
  return printableText(text, MAX_HEADER_VALUE);
}
