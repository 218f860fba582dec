import { GatewayError } from '../../errors.ts';
import type { GeminiOutcome } from '../events/decode-gemini.ts';

/** The failure of an answer that ended without one; `undefined` when it is complete. Contract sections 9.3, 9.4, 10.7. */
export function fromGeminiOutcome(outcome: GeminiOutcome): GatewayError | undefined {
  switch (outcome.kind) {
    case 'complete':
      return undefined;
    case 'empty':
      return new GatewayError('empty_response', 'The model answered with nothing, and gave no reason.');
    case 'malformed': {
      const reason = outcome.finishMessage ?? 'it gave no further reason';
      return new GatewayError(
        'malformed_function_call',
        `The model wrote a function call that cannot be used (${outcome.finishReason}): ${reason}`,
      );
    }
    case 'disconnected':
      return new GatewayError(
        'upstream_disconnected',
        'The upstream broke off before the answer was complete.',
      );
  }
}
