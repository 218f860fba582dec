/** One thing wrong with the configuration, and where. */
export interface ConfigProblem {
  /** Key path such as `upstreams.local.slots`, or the name of an environment variable; empty for the file as a whole. */
  readonly path: string;
  /** From 1. Absent when the value does not come from the file. */
  readonly line?: number;
  /** From 1, in UTF-16 units. */
  readonly column?: number;
  /** What is wrong and what to do. Never contains a key or the value of an environment variable. */
  readonly message: string;
}

/** The configuration cannot be used. Carries every problem found, in the order of the file. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** The file as the user named it; `null` when there is none. */
  readonly file: string | null;
  readonly problems: readonly ConfigProblem[];

  /** @throws {RangeError} when `problems` is empty */
  constructor(file: string | null, problems: readonly ConfigProblem[]) {
    if (problems.length === 0) throw new RangeError('ConfigError needs at least one problem');
    super(problems.map(sentence).join('; '));
    this.file = file;
    this.problems = problems;
  }

  /** Text for a terminal: one line a problem, each with `file:line:column`, which editors make clickable. */
  format(): string {
    const places = this.problems.map((problem) => this.#place(problem));
    const width = Math.max(...places.map((place) => (place === '' ? 0 : place.length + 2)));
    const lines = this.problems.map(
      (problem, index) => `  ${places[index]!.padEnd(width)}${indent(sentence(problem), width + 2)}`,
    );
    const count = lines.length === 1 ? 'a problem' : `${lines.length} problems`;
    return `The configuration has ${count}:\n\n${lines.join('\n')}\n`;
  }

  /** Empty for what is not in the file. */
  #place({ path, line, column }: ConfigProblem): string {
    if (this.file === null || (line === undefined && path !== '')) return '';
    return line === undefined ? this.file : `${this.file}:${line}:${column ?? 1}`;
  }
}

/** A message that opens with its own path does not need it twice. */
function sentence({ path, message }: ConfigProblem): string {
  return path === '' || message.startsWith(path) ? message : `${path}: ${message}`;
}

const indent = (text: string, width: number) => text.replaceAll('\n', `\n${' '.repeat(width)}`);
