import { Template } from '@huggingface/jinja';
import { GatewayError } from '../../../errors.ts';
import type { TemplateConversation, TemplateMessage } from './template-messages.ts';

/** ChatML, for the rare model file without a template of its own. */
const FALLBACK_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** How models mark reasoning, by the opening tag. A template that writes one of these belongs to a reasoning model. */
const THOUGHT_TAGS: readonly { startTag: string; endTag: string }[] = [
  { startTag: '<think>', endTag: '</think>' },
  { startTag: '[THINK]', endTag: '[/THINK]' },
];

/** A text no template writes by itself. */
const PROBE = 'parlance-probe';

export interface ChatTemplateFacts {
  /** Jinja source; `undefined` falls back to ChatML. */
  readonly source: string | undefined;
  readonly bosToken: string;
  readonly eosToken: string;
}

export interface RenderRequest {
  readonly conversation: TemplateConversation;
  /** Tool definitions for a template that knows tools. */
  readonly tools?: readonly unknown[];
  /** `false` asks a reasoning model to answer at once. */
  readonly enableThinking: boolean;
}

export interface RenderedPrompt {
  /** Up to where the answer begins. */
  readonly text: string;
  /** The answer begins inside the reasoning. */
  readonly opensThought: boolean;
}

/** A model's chat template: what it can do, and prompts made by it. */
export class ChatTemplate {
  /** The tags around reasoning, when the model reasons. */
  readonly thoughtTags: { startTag: string; endTag: string } | undefined;
  /** The template puts tools in itself and writes calls in `<tool_call>` tags holding JSON. */
  readonly writesToolCallTags: boolean;
  readonly #template: Template;
  /** The template goes through the parts of a message and would leave a plain text out. */
  readonly #readsParts: boolean;
  readonly #bosToken: string;
  readonly #eosToken: string;

  /** @throws {Error} when the source is no valid Jinja template */
  constructor({ source = FALLBACK_TEMPLATE, bosToken, eosToken }: ChatTemplateFacts) {
    this.#template = new Template(source);
    this.#bosToken = bosToken;
    this.#eosToken = eosToken;
    this.#readsParts = !this.#shows(PROBE) && this.#shows([{ type: 'text', text: PROBE }]);
    this.thoughtTags = THOUGHT_TAGS.find(({ startTag }) => source.includes(startTag));
    // `<function=` belongs to a dialect that wraps XML, not JSON, in the same tags.
    this.writesToolCallTags =
      /\btools\b/.test(source) && source.includes('<tool_call>') && !source.includes('<function=');
  }

  /**
   * Writes the prompt.
   *
   * Templates differ in what they accept: some know no system role, some demand that user and assistant alternate.
   * The conversation is tried as it is, then in plainer forms.
   *
   * @throws {GatewayError} `invalid_argument` when the template accepts none of them
   */
  render({ conversation, tools, enableThinking }: RenderRequest): RenderedPrompt {
    const { system, messages, prefill } = conversation;
    const withSystem: TemplateMessage[] =
      system === '' ? messages : [{ role: 'system', content: system }, ...messages];
    const forms = [
      withSystem,
      mergeNeighbours(withSystem),
      mergeNeighbours(systemIntoUser(system, messages)),
    ];
    let refusal: unknown;
    for (const form of forms) {
      try {
        const prompt = this.#template.render({
          messages: this.#readsParts ? form.map(inParts) : form,
          add_generation_prompt: true,
          bos_token: this.#bosToken,
          eos_token: this.#eosToken,
          enable_thinking: enableThinking,
          ...(tools === undefined ? {} : { tools }),
        });
        return this.#finish(prompt, prefill, enableThinking);
      } catch (error) {
        refusal ??= error;
      }
    }
    const reason = refusal instanceof Error ? refusal.message : String(refusal);
    throw new GatewayError(
      'invalid_argument',
      `The model's chat template refuses these messages: ${reason}`,
      {
        param: 'messages',
        cause: refusal,
      },
    );
  }

  /** Whether a message with this content comes out. */
  #shows(content: unknown): boolean {
    try {
      const prompt = this.#template.render({
        messages: [{ role: 'user', content }],
        add_generation_prompt: true,
        bos_token: this.#bosToken,
        eos_token: this.#eosToken,
      });
      return prompt.includes(PROBE);
    } catch {
      return false;
    }
  }

  /**
   * Some templates open the reasoning whatever they are told. It is closed again where no reasoning is wanted, and
   * where the answer goes on from text that is no reasoning.
   */
  #finish(prompt: string, prefill: string, enableThinking: boolean): RenderedPrompt {
    const tags = this.thoughtTags;
    if (tags === undefined || !prompt.trimEnd().endsWith(tags.startTag)) {
      return { text: prompt + prefill, opensThought: false };
    }
    if (enableThinking && prefill === '') return { text: prompt, opensThought: true };
    return { text: `${prompt.trimEnd()}\n\n${tags.endTag}\n\n${prefill}`, opensThought: false };
  }
}

function inParts(message: TemplateMessage): object {
  return { ...message, content: [{ type: 'text', text: message.content }] };
}

/** Neighbouring messages of one role become one. Tool results and calls stay as they are. */
function mergeNeighbours(messages: readonly TemplateMessage[]): TemplateMessage[] {
  const merged: TemplateMessage[] = [];
  for (const message of messages) {
    const last = merged.at(-1);
    const isPlain =
      message.role !== 'tool' && message.tool_calls === undefined && last?.tool_calls === undefined;
    if (last !== undefined && isPlain && last.role === message.role) {
      merged[merged.length - 1] = { ...last, content: `${last.content}\n\n${message.content}` };
    } else {
      merged.push(message);
    }
  }
  return merged;
}

/** For templates without a system role: the instructions open the first user message, which is made if need be. */
function systemIntoUser(system: string, messages: readonly TemplateMessage[]): TemplateMessage[] {
  const [first, ...rest] = messages;
  if (first?.role !== 'user') return [{ role: 'user', content: system }, ...messages];
  if (system === '') return [...messages];
  return [{ ...first, content: `${system}\n\n${first.content}` }, ...rest];
}
