/** One server-sent event as text. */
export interface ReadEvent {
  /** The `data` lines, joined by line feeds; `undefined` where there is none. */
  readonly data: string | undefined;
  /** Lines that are no field of an event, joined by line feeds; servers write errors so. */
  readonly loose: string;
}

const FIELD = /^(?:(?:event|id|retry)(?::|$)|:)/;

/** Reads an event. WHATWG HTML section 9.2.6. */
export function readEvent(text: string): ReadEvent {
  const data: string[] = [];
  const loose: string[] = [];
  for (const line of text.split(/\r\n|\n|\r/)) {
    if (line.startsWith('data:')) data.push(line.slice(line.charAt(5) === ' ' ? 6 : 5));
    else if (line === 'data') data.push('');
    else if (line !== '' && !FIELD.test(line)) loose.push(line);
  }
  return { data: data.length === 0 ? undefined : data.join('\n'), loose: loose.join('\n') };
}

/** The same event with other data. */
export function withData(text: string, data: string): string {
  const lines = text.split(/\r\n|\n|\r/).filter((line) => line !== '' && !line.startsWith('data'));
  return `${[...lines, `data: ${data}`].join('\n')}\n\n`;
}
