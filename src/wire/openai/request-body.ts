import { errorFromProblems } from '../../errors.ts';
import type { JsonBody } from '../validation/parse-json-body.ts';
import type { ChatCompletionRequest } from './request.ts';
import { parseChatRequest } from './validate-request.ts';

/**
 * The body of one chat request, for backends of both sorts: those that pass its text on, and those that translate what
 * it means. It is checked when the first of the latter asks for it.
 */
export class ChatRequestBody {
  readonly value: unknown;
  #text: string | undefined;
  #request: ChatCompletionRequest | undefined;

  constructor({ text, value }: JsonBody) {
    this.#text = text;
    this.value = value;
  }

  /**
   * The JSON text.
   *
   * @throws {Error} after {@link forgetText}
   */
  get text(): string {
    if (this.#text === undefined) throw new Error('the text of this body was given up');
    return this.#text;
  }

  /** Nobody will pass the text on: a large image would stay in memory twice. */
  forgetText(): void {
    this.#text = undefined;
  }

  /**
   * The body as a valid request, frozen: an attempt never changes what the next one sees.
   *
   * @throws {GatewayError} with everything that is wrong with it
   */
  request(options: { readonly modelRequired: boolean } = { modelRequired: false }): ChatCompletionRequest {
    if (this.#request !== undefined) return this.#request;
    const { request, problems } = parseChatRequest(this.value, options);
    if (problems !== undefined) throw errorFromProblems(problems);
    this.#request = Object.freeze(request);
    return this.#request;
  }
}
