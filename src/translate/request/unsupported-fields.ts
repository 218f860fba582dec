import type { RequestContext } from './request-context.ts';
import { FOREIGN_CONTROLS } from '../../wire/openai/foreign-controls.ts';

/** Top-level fields that Gemini has nothing for and that would change the answer, unless they say what it does anyway. */
const REFUSED: Readonly<
  Record<string, { readonly isHarmless: (value: unknown) => boolean; readonly reason: string }>
> = {
  logit_bias: {
    isHarmless: (value) => Object.keys(value as object).length === 0,
    reason: 'cannot be honoured: Gemini takes no biases for tokens',
  },
  verbosity: {
    isHarmless: (value) => value === 'medium',
    reason: 'cannot be honoured: Gemini takes no length of answers; ask for it in a message',
  },
  moderation: {
    isHarmless: () => false,
    reason: 'cannot be honoured: Gemini has safety_settings in extra_body.google instead',
  },
};

/** Refuses the top-level fields that no part of the translation can honour. */
export function refuseUnsupportedFields({ request, receipt }: RequestContext): void {
  for (const [field, { isHarmless, reason }] of Object.entries(REFUSED)) {
    const value = request[field];
    if (value != null && !isHarmless(value)) receipt.refuse([field], reason);
  }
  for (const field of FOREIGN_CONTROLS) {
    if (request[field] != null)
      receipt.refuse([field], 'is a control of another model server that Gemini does not have');
  }
}
