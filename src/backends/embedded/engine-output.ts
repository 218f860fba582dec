/** Lines kept for messages about a failed start or an end, and the length of each. */
const KEPT_LINES = 5;
const MAX_LINE_LENGTH = 300;

/** Where native code or the engine's own code broke. Nothing of these lines comes from a request. */
const PLACES_IN_CODE: readonly RegExp[] = [
  /^\S+\.(?:c|cc|cpp|cu|h|hpp|m|mm):\d+: GGML_ASSERT\(.{1,200}\) failed$/,
  /^terminate called after throwing an instance of '[\w:]+'$/,
  /^\s+at (?:[\w.#<> ]+ )?\(?(?:file:\/\/|node:)[^\s()]+:\d+:\d+\)?$/,
  /^Node\.js v[\d.]+$/,
];

/**
 * What an engine process prints. While it loads its model all of that may be shown. From then on it works on requests,
 * and llama.cpp quotes them: a grammar that it refuses is written out as a whole. Of other lines than those that name
 * a place in the code only their length is told.
 */
export class EngineOutput {
  readonly #onLine: (line: string) => void;
  #last: string[] = [];
  #worksOnRequests = false;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** The last lines, cut to a length that is fit for a message. */
  get last(): readonly string[] {
    return this.#last;
  }

  /** The model is loaded. */
  beginRequests(): void {
    this.#worksOnRequests = true;
  }

  push(text: string): void {
    const lines = text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => (this.#worksOnRequests ? withoutRequest(line) : line));
    for (const line of lines) this.#onLine(line);
    const kept = lines.slice(-KEPT_LINES).map((line) => line.slice(0, MAX_LINE_LENGTH));
    this.#last = [...this.#last, ...kept].slice(-KEPT_LINES);
  }
}

function withoutRequest(line: string): string {
  return PLACES_IN_CODE.some((place) => place.test(line)) ? line : `(${line.length} characters)`;
}
