import { GatewayError } from '../../errors.ts';
import type { GenerationFailure } from './engine/protocol.ts';

/** What the engine says went wrong, in words for the client. */
export function toGatewayFailure(failure: GenerationFailure): GatewayError {
  switch (failure.kind) {
    case 'context-overflow':
      return new GatewayError(
        'context_length_exceeded',
        `The messages take ${failure.promptTokens} tokens, and this model's context is ${failure.contextSize} tokens, of which the answer needs some too. Shorten the messages, or configure a larger context_size.`,
        { param: 'messages' },
      );
    case 'unknown-token':
      return new GatewayError(
        'invalid_argument',
        `logit_bias names token ${failure.token}, which is not in this model's vocabulary.`,
        { param: 'logit_bias' },
      );
    case 'unreadable-media':
      return new GatewayError('unsupported_media', `The media cannot be decoded: ${failure.message}.`, {
        param: failure.path,
      });
    case 'invalid-grammar':
      return new GatewayError('internal_error', 'The engine refused the grammar made for this request.', {
        cause: failure.message,
      });
    case 'internal':
      return new GatewayError('internal_error', 'The embedded engine failed while it wrote the answer.', {
        cause: failure.message,
      });
  }
}
