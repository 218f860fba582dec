import type { Part } from '../../wire/gemini/request.ts';
import type { AssistantMessage, MessageToolCall } from '../../wire/openai/request.ts';
import { describeValue } from '../../wire/validation/describe-value.ts';
import { isJsonObject } from '../../wire/validation/structure-checks.ts';
import { normalizeBase64 } from './base64.ts';
import { googleContentOf } from './google-content.ts';
import type { FieldPath } from './receipt.ts';
import type { RequestContext } from './request-context.ts';

/** Where the signatures of a request came from. */
export type SignatureSource = 'none' | 'client' | 'vault' | 'dummy';

const STRENGTH: readonly SignatureSource[] = ['none', 'client', 'vault', 'dummy'];

/** Google's documented stand-in for a signature that is lost. It happens to be base64. */
const DUMMY_SIGNATURE = 'skip_thought_signature_validator';

/**
 * Puts the thought signatures of one request back on their parts. They are opaque: never trimmed, re-encoded or
 * compared. Contract section 5.1.
 */
export class SignatureKeeper {
  readonly #context: RequestContext;
  #source: SignatureSource = 'none';

  constructor(context: RequestContext) {
    this.#context = context;
  }

  /** The strongest fallback used so far: a dummy outranks the vault, which outranks the client. */
  get source(): SignatureSource {
    return this.#source;
  }

  /** A client's signature, which must be base64, since Google refuses the whole request otherwise. */
  fromClient(value: unknown, path: FieldPath): string | undefined {
    if (value == null || value === '') return undefined;
    if (typeof value === 'string' && normalizeBase64(value) !== undefined) {
      this.#note('client');
      return value;
    }
    this.#context.receipt.fail(path, `must be base64, as it was received, not ${describeValue(value)}`);
    return undefined;
  }

  /**
   * Signs the calls of one assistant message, and its text with the message's own signature where no call takes it.
   *
   * @param texts the parts in front of the calls; empty for none
   * @param calls one part for each call
   * @param mustBeSigned the message is a step of the current turn
   */
  sign(
    message: AssistantMessage,
    { texts, calls }: { readonly texts: Part[]; readonly calls: Part[] },
    { path, mustBeSigned }: { readonly path: FieldPath; readonly mustBeSigned: boolean },
  ): void {
    const ofMessage = this.#ofMessage(message, path);
    const ofCalls: (string | undefined)[] = (message.tool_calls ?? []).map((call, index) =>
      this.#ofCall(call, [...path, 'tool_calls', index]),
    );
    const [first] = calls;
    if (first !== undefined && ofCalls[0] === undefined && ofMessage !== undefined) ofCalls[0] = ofMessage;
    else if (ofMessage !== undefined) this.#signText(texts, ofMessage);
    for (const [index, call] of (message.tool_calls ?? []).entries())
      ofCalls[index] ??= this.#fromVault(call.id);
    if (mustBeSigned && first !== undefined && !ofCalls.some((signature) => signature !== undefined)) {
      ofCalls[0] = this.#dummy();
    }
    for (const [index, part] of calls.entries()) {
      const signature = ofCalls[index];
      if (signature !== undefined) part.thoughtSignature = signature;
    }
  }

  #ofMessage(message: AssistantMessage, path: FieldPath): string | undefined {
    const inExtra = this.fromClient(googleContentOf(message).thought_signature, [
      ...path,
      'extra_content',
      'google',
      'thought_signature',
    ]);
    return inExtra ?? this.fromClient(memberOf(message, 'thought_signature'), [...path, 'thought_signature']);
  }

  #ofCall(call: MessageToolCall, path: FieldPath): string | undefined {
    const places: [unknown, string[]][] = [
      [googleContentOf(call).thought_signature, ['extra_content', 'google', 'thought_signature']],
      [memberOf(call, 'thought_signature'), ['thought_signature']],
      [memberOf(memberOf(call, 'function'), 'thought_signature'), ['function', 'thought_signature']],
    ];
    const found = places.find(([value]) => value != null && value !== '');
    return found === undefined ? undefined : this.fromClient(found[0], [...path, ...found[1]]);
  }

  #fromVault(id: string): string | undefined {
    const kept = id === '' ? undefined : this.#context.options.findSignature?.(id);
    if (kept !== undefined) this.#note('vault');
    return kept;
  }

  #dummy(): string {
    this.#note('dummy');
    return DUMMY_SIGNATURE;
  }

  /** Gemini 3 signs the last part of an answer, Gemini 2.5 the first; thoughts come before either. */
  #signText(texts: readonly Part[], signature: string): void {
    const said = texts.filter((part) => part.thought !== true);
    const candidates = said.length > 0 ? said : texts;
    const part = this.#context.model.signatureRequired ? candidates.at(-1) : candidates[0];
    if (part !== undefined) part.thoughtSignature ??= signature;
  }

  #note(source: SignatureSource): void {
    if (STRENGTH.indexOf(source) > STRENGTH.indexOf(this.#source)) this.#source = source;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return isJsonObject(value) ? value[name] : undefined;
}
