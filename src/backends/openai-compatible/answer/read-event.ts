/** One server-sent event as text. */
export interface ReadEvent {
  readonly text: string;
  /** The `data` lines, joined by line feeds; `undefined` where there is none. */
  readonly data: string | undefined;
  /** What the field `event` says. */
  readonly type: string | undefined;
  /** Lines that are no field of an event, joined by line feeds; servers write errors so. */
  readonly loose: string;
  /** Where the text of each `data` line stands. */
  readonly spans: readonly TextSpan[];
}

interface TextSpan {
  readonly start: number;
  readonly end: number;
}

const LINE = /[^\r\n]+/g;
const DATA = /^data(?:: ?|$)/;
const TYPE = /^event(?:: ?|$)/;
const OTHER_FIELD = /^(?:(?:id|retry)(?::|$)|:)/;

/** Reads an event. WHATWG HTML section 9.2.6. */
export function readEvent(text: string): ReadEvent {
  const spans: TextSpan[] = [];
  const loose: string[] = [];
  let type: string | undefined;
  for (const { 0: line, index } of text.matchAll(LINE)) {
    const data = DATA.exec(line);
    if (data !== null) spans.push({ start: index + data[0].length, end: index + line.length });
    else if (TYPE.test(line)) type = line.replace(TYPE, '');
    else if (!OTHER_FIELD.test(line)) loose.push(line);
  }
  const lines = spans.map(({ start, end }) => text.slice(start, end));
  return {
    text,
    data: lines.length === 0 ? undefined : lines.join('\n'),
    type,
    loose: loose.join('\n'),
    spans,
  };
}

/** The text of an event with other JSON for data; lines, line ends and other fields stay as they are. */
export function withJson({ text, spans }: ReadEvent, json: string): string {
  const lines = json.split('\n');
  let edited = '';
  let done = 0;
  for (const [at, { start, end }] of spans.entries()) {
    // Between the tokens of JSON a line end is as good as a space.
    const line = at === spans.length - 1 ? lines.slice(at).join(' ') : (lines[at] ?? '');
    edited += text.slice(done, start) + line;
    done = end;
  }
  return edited + text.slice(done);
}
