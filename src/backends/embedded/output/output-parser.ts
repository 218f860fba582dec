import type { ChatEvent } from '../../../translate/events/chat-event.ts';
import { parseJson } from '../../../wire/json-text/parse-json.ts';
import type { TokenLogprob } from '../../../wire/openai/response.ts';
import { isJsonObject } from '../../../wire/validation/structure-checks.ts';
import { TokenSpans } from '../engine/token-spans.ts';
import { CALL_CLOSE, CALL_OPEN } from '../tools/tool-prompt.ts';
import { ClosingTagScan } from './closing-tag-scan.ts';

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
  /** What was read and is neither reported nor dropped; in a call, all of it, with the white space in front. */
  #held = '';
  readonly #logprobs = new TokenSpans<TokenLogprob | undefined>();
  /** White space after a closing tag is dropped up to the next text. */
  #skipsSpace: boolean;
  /** Where the JSON of the call that is being read begins. */
  #callStart = 0;
  #callEnd = new ClosingTagScan(CALL_CLOSE, 0);
  #calls = 0;

  constructor(options: OutputParserOptions) {
    this.#options = options;
    this.#mode = options.thoughts?.isOpen === true ? 'thought' : 'text';
    this.#skipsSpace = options.thoughts?.isOpen === true;
  }

  /** @param logprob of the token that begins with `text` */
  push(text: string, logprob?: TokenLogprob): ChatEvent[] {
    this.#held += text;
    this.#logprobs.add(logprob, text.length);
    return this.#read();
  }

  /** The end of the answer: what was held back turns out to be text, and an unfinished call is none. */
  end(): ChatEvent[] {
    const events: ChatEvent[] = [];
    while (this.#mode === 'call') {
      // A quote too many hides a closing tag from those who look outside of JSON strings.
      const close = this.#held.indexOf(CALL_CLOSE, this.#callStart);
      if (close === -1) return events;
      events.push(...this.#endCallAsText(close), ...this.#read());
    }
    events.push(...this.#report(this.#held.length));
    return events;
  }

  #read(): ChatEvent[] {
    const events: ChatEvent[] = [];
    for (;;) {
      const part = this.#mode === 'call' ? this.#readCall() : this.#readTag();
      if (part === undefined) break;
      events.push(...part);
    }
    if (this.#mode !== 'call') events.push(...this.#report(this.#certainLength()));
    return events;
  }

  /** Up to the tag that ends the current mode; `undefined` when there is none. */
  #readTag(): ChatEvent[] | undefined {
    const next = this.#nextTag();
    if (next === undefined) return undefined;
    const { at, tag, mode } = next;
    const before = this.#held.slice(0, at).trimEnd().length;
    const events = this.#report(before);
    const behindTag = at - before + tag.length;
    if (mode === 'call') {
      this.#callStart = behindTag;
      this.#callEnd = new ClosingTagScan(CALL_CLOSE, behindTag);
    } else {
      this.#drop(behindTag);
      this.#skipsSpace = true;
    }
    this.#mode = mode;
    return events;
  }

  /** A finished call; `undefined` when it goes on. What is no call of a known tool is text as it stands. */
  #readCall(): ChatEvent[] | undefined {
    const close = this.#callEnd.find(this.#held);
    if (close === undefined) return undefined;
    const { choice, toolNames } = this.#options;
    const parsed = parseCall(this.#held.slice(this.#callStart, close));
    if (parsed === undefined || toolNames?.has(parsed.name) !== true) return this.#endCallAsText(close);
    this.#drop(close + CALL_CLOSE.length);
    this.#mode = 'text';
    this.#skipsSpace = true;
    const call = this.#calls++;
    return [
      { type: 'tool-call-start', choice, call, name: parsed.name },
      { type: 'tool-arguments-delta', choice, call, delta: JSON.stringify(parsed.arguments) },
      { type: 'tool-call-end', choice, call },
    ];
  }

  #endCallAsText(close: number): ChatEvent[] {
    this.#mode = 'text';
    return this.#report(close + CALL_CLOSE.length);
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

  /** Tags that end the current mode, and the mode behind them. */
  #exits(): [tag: string, mode: Mode][] {
    const { thoughts, toolNames } = this.#options;
    if (this.#mode === 'thought') return thoughts === undefined ? [] : [[thoughts.endTag, 'text']];
    const exits: [string, Mode][] = [];
    if (thoughts !== undefined) exits.push([thoughts.startTag, 'thought']);
    if (toolNames !== undefined) exits.push([CALL_OPEN, 'call']);
    return exits;
  }

  /** How much of the held text cannot be the beginning of a tag, or white space in front of one. */
  #certainLength(): number {
    const exits = this.#exits();
    if (exits.length === 0) return this.#held.length;
    let longest = 0;
    for (const [tag] of exits) {
      for (let length = Math.min(tag.length - 1, this.#held.length); length > longest; length--) {
        if (this.#held.endsWith(tag.slice(0, length))) longest = length;
      }
    }
    return this.#held.slice(0, this.#held.length - longest).trimEnd().length;
  }

  /** Reports the first `length` held characters as text or thought. */
  #report(length: number): ChatEvent[] {
    if (this.#skipsSpace) {
      const space = length - this.#held.slice(0, length).trimStart().length;
      this.#drop(space);
      return this.#reportExactly(length - space);
    }
    return this.#reportExactly(length);
  }

  #reportExactly(length: number): ChatEvent[] {
    if (length === 0) return [];
    this.#skipsSpace = false;
    const { choice } = this.#options;
    const text = this.#held.slice(0, length);
    if (this.#mode === 'thought') {
      this.#drop(length);
      return [{ type: 'thought-delta', choice, text }];
    }
    this.#held = this.#held.slice(length);
    const logprobs = this.#logprobs.release(text).flatMap(({ token }) => token ?? []);
    return [{ type: 'text-delta', choice, text, ...(logprobs.length === 0 ? {} : { logprobs }) }];
  }

  #drop(length: number): void {
    this.#held = this.#held.slice(length);
    this.#logprobs.drop(length);
  }
}

function parseCall(body: string): { name: string; arguments: object } | undefined {
  const value = parseJson(body);
  if (!isJsonObject(value)) return undefined;
  const { name, arguments: callArguments = {} } = value;
  return typeof name === 'string' && isJsonObject(callArguments)
    ? { name, arguments: callArguments }
    : undefined;
}
