import type { ChatEvent } from '../../../translate/events/chat-event.ts';
import type { TokenLogprob } from '../../../wire/openai/response.ts';
import { CALL_CLOSE, CALL_OPEN } from '../tools/tool-prompt.ts';

export interface OutputParserOptions {
  readonly choice: number;
  /** Tags around reasoning, and whether the answer begins inside it. */
  readonly thoughts?: { readonly startTag: string; readonly endTag: string; readonly isOpen: boolean };
  /** Tools the model may call; `undefined` leaves call tags in the text. */
  readonly toolNames?: ReadonlySet<string>;
}

type Mode = 'text' | 'thought' | 'call';

/**
 * Reads what a model writes: splits reasoning, text and tool calls, over any division into pieces.
 * White space between the parts belongs to none of them.
 */
export class OutputParser {
  readonly #options: OutputParserOptions;
  #mode: Mode;
  #held = '';
  /** White space after a closing tag is dropped up to the next text. */
  #skipsSpace: boolean;
  #calls = 0;
  #thoughtTokens = 0;

  constructor(options: OutputParserOptions) {
    this.#options = options;
    this.#mode = options.thoughts?.isOpen === true ? 'thought' : 'text';
    this.#skipsSpace = options.thoughts?.isOpen === true;
  }

  /** Tokens that were reasoning. */
  get thoughtTokens(): number {
    return this.#thoughtTokens;
  }

  /** One token's text. */
  push(text: string, logprob?: TokenLogprob): ChatEvent[] {
    const wasThought = this.#mode === 'thought';
    if (wasThought) this.#thoughtTokens++;
    this.#held += text;
    const events = this.#read();
    // A token belongs to the visible answer or not as a whole; its place is where it began.
    if (logprob !== undefined && !wasThought && this.#mode !== 'call')
      attach(events, logprob, this.#options.choice);
    return events;
  }

  /** The end of the answer: what was held back turns out to be text, and an unfinished call is none. */
  end(): ChatEvent[] {
    const rest = this.#held;
    this.#held = '';
    if (this.#mode === 'call' || rest === '') return [];
    return this.#emit(rest);
  }

  #read(): ChatEvent[] {
    const events: ChatEvent[] = [];
    for (;;) {
      const next = this.#nextTag();
      if (next === undefined) break;
      const { at, tag, mode } = next;
      const before = this.#held.slice(0, at);
      this.#held = this.#held.slice(at + tag.length);
      if (this.#mode === 'call') events.push(...this.#call(before));
      else events.push(...this.#emit(before.trimEnd()));
      this.#mode = mode;
      this.#skipsSpace = true;
    }
    if (this.#mode === 'call') return events;
    const keep = this.#uncertainLength();
    const sure = this.#held.slice(0, this.#held.length - keep);
    this.#held = this.#held.slice(sure.length);
    events.push(...this.#emit(sure));
    return events;
  }

  /** The first tag that ends the current mode. */
  #nextTag(): { at: number; tag: string; mode: Mode } | undefined {
    let first: { at: number; tag: string; mode: Mode } | undefined;
    for (const [tag, mode] of this.#exits()) {
      const at = this.#held.indexOf(tag);
      if (at !== -1 && (first === undefined || at < first.at)) first = { at, tag, mode };
    }
    return first;
  }

  #exits(): [tag: string, mode: Mode][] {
    const { thoughts, toolNames } = this.#options;
    switch (this.#mode) {
      case 'thought':
        return [[thoughts?.endTag ?? '', 'text']];
      case 'call':
        return [[CALL_CLOSE, 'text']];
      case 'text': {
        const exits: [string, Mode][] = [];
        if (thoughts !== undefined) exits.push([thoughts.startTag, 'thought']);
        if (toolNames !== undefined) exits.push([CALL_OPEN, 'call']);
        return exits;
      }
    }
  }

  /** How much of the end may be the beginning of a tag, with white space in front of it. */
  #uncertainLength(): number {
    const exits = this.#exits();
    if (exits.length === 0) return 0;
    let longest = 0;
    for (const [tag] of exits) {
      for (let length = Math.min(tag.length - 1, this.#held.length); length > longest; length--) {
        if (this.#held.endsWith(tag.slice(0, length))) longest = length;
      }
    }
    const before = this.#held.slice(0, this.#held.length - longest);
    return this.#held.length - before.trimEnd().length;
  }

  #emit(text: string): ChatEvent[] {
    const visible = this.#skipsSpace ? text.trimStart() : text;
    if (visible === '') return [];
    this.#skipsSpace = false;
    const type = this.#mode === 'thought' ? 'thought-delta' : 'text-delta';
    return [{ type, choice: this.#options.choice, text: visible }];
  }

  /** A finished call; text that is no call of a known tool is shown as it is. */
  #call(body: string): ChatEvent[] {
    const { choice, toolNames } = this.#options;
    const parsed = parseCall(body);
    if (parsed === undefined || toolNames?.has(parsed.name) !== true) {
      return [{ type: 'text-delta', choice, text: `${CALL_OPEN}${body}${CALL_CLOSE}` }];
    }
    const call = this.#calls++;
    return [
      { type: 'tool-call-start', choice, call, name: parsed.name },
      { type: 'tool-arguments-delta', choice, call, delta: JSON.stringify(parsed.arguments) },
      { type: 'tool-call-end', choice, call },
    ];
  }
}

function parseCall(body: string): { name: string; arguments: object } | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== 'object' || value === null || !('name' in value) || typeof value.name !== 'string') {
      return undefined;
    }
    const callArguments = 'arguments' in value ? value.arguments : {};
    if (typeof callArguments !== 'object' || callArguments === null || Array.isArray(callArguments))
      return undefined;
    return { name: value.name, arguments: callArguments };
  } catch {
    return undefined;
  }
}

function attach(events: ChatEvent[], logprob: TokenLogprob, choice: number): void {
  const text = events.find((event) => event.type === 'text-delta');
  if (text === undefined) events.push({ type: 'text-delta', choice, text: '', logprobs: [logprob] });
  else text.logprobs = [...(text.logprobs ?? []), logprob];
}
