import { type MemberSpan, membersOf } from './json-spans.ts';

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Members taken out of one object and added to it. Made by {@link TextEdits.object}. */
export class ObjectEdits {
  /** As they stand in the text; removals do not change this list. */
  readonly members: readonly MemberSpan[];
  readonly #start: number;
  readonly #removed = new Set<MemberSpan>();
  readonly #appended: string[] = [];

  constructor(text: string, start: number) {
    this.#start = start;
    this.members = membersOf(text, start);
  }

  /** The member whose value a parser takes: of a repeated name the last. */
  find(name: string): MemberSpan | undefined {
    return this.members.findLast((member) => member.name === name);
  }

  /** Takes out every member of a name, each with its comma. Edits of what stands inside them are dropped. */
  remove(name: string): void {
    for (const member of this.members) if (member.name === name) this.#removed.add(member);
  }

  /** Adds a member behind all others. @param json the value as JSON text */
  append(name: string, json: string): void {
    this.#appended.push(`${JSON.stringify(name)}:${json}`);
  }

  /**
   * The edits of the text. A run of removed members goes with the comma before it; at the head of the object with the
   * one behind it.
   */
  toEdits(): Edit[] {
    const edits: Edit[] = [];
    let keptEnd: number | undefined;
    let run: { readonly start: number; end: number } | undefined;
    for (const member of this.members) {
      if (this.#removed.has(member)) {
        run ??= { start: keptEnd ?? member.start, end: 0 };
        run.end = member.valueEnd;
        continue;
      }
      if (run !== undefined) {
        edits.push({ start: run.start, end: keptEnd === undefined ? member.start : run.end, text: '' });
        run = undefined;
      }
      keptEnd = member.valueEnd;
    }
    const tail = run ?? { start: keptEnd ?? this.#start + 1, end: keptEnd ?? this.#start + 1 };
    const added = this.#appended.join(',');
    const text = added !== '' && keptEnd !== undefined ? `,${added}` : added;
    if (text !== '' || run !== undefined) edits.push({ ...tail, text });
    return edits;
  }
}

/**
 * Changes of JSON text that leave every other character as it is: order, white space, spelling of numbers and repeated
 * names. They are collected first, in any order, and made in one pass. The text must be one that `JSON.parse` has read.
 */
export class TextEdits {
  readonly text: string;
  readonly #edits: Edit[] = [];
  readonly #objects = new Map<number, ObjectEdits>();

  constructor(text: string) {
    this.text = text;
  }

  /** The members of the object that opens at `start`, for changes. The same object each time it is asked for. */
  object(start: number): ObjectEdits {
    const known = this.#objects.get(start);
    if (known !== undefined) return known;
    const object = new ObjectEdits(this.text, start);
    this.#objects.set(start, object);
    return object;
  }

  /**
   * Puts other text in place of a member's value. Of two replacements of one value the first counts.
   *
   * @param json the new value as JSON text
   */
  replaceValue({ valueStart, valueEnd }: MemberSpan, json: string): void {
    this.#edits.push({ start: valueStart, end: valueEnd, text: json });
  }

  /** The value of a member as it is written. */
  valueText({ valueStart, valueEnd }: MemberSpan): string {
    return this.text.slice(valueStart, valueEnd);
  }

  /** The text with all changes made. An edit inside a value that is replaced or removed is dropped with it. */
  apply(): string {
    const edits = [...this.#edits];
    for (const object of this.#objects.values()) edits.push(...object.toEdits());
    // The sort is stable: what is added behind a value comes after the value's own replacement.
    edits.sort((one, other) => one.start - other.start);
    let edited = '';
    let done = 0;
    for (const { start, end, text } of edits) {
      if (start < done) continue;
      // Slices and sums share the characters of their parts, so that a long string is not copied for each edit.
      edited += this.text.slice(done, start) + text;
      done = end;
    }
    return edited + this.text.slice(done);
  }
}
