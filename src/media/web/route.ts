import { mediumAt, showAddress } from '../show-address.ts';

/** Where a medium was looked for: at its own address, then where that led. */
export class Route {
  readonly #visited: URL[] = [];

  /** A URL comes next. */
  visit(url: URL): void {
    this.#visited.push(url);
  }

  /** The medium, as it stands at the beginning of a sentence. */
  get subject(): string {
    const [first, ...others] = this.#visited;
    const last = others.at(-1);
    if (first === undefined) return 'The medium';
    const start = mediumAt(first.href);
    return last === undefined ? start : `${start}, redirected to ${showAddress(last.href)},`;
  }
}
