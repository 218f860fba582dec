export interface Comparison<Input> {
  /** Two sorts of input; each is made anew for every pair. */
  readonly first: () => Input;
  readonly second: () => Input;
  /** What may take longer for one than for the other. */
  readonly work: (input: Input) => unknown;
}

const PAIRS = 1000;
/** Before anything counts, so that the compiler has done its work. */
const WARM_UP = 200;

/**
 * How often work on the first sort takes longer than on the second, of a thousand pairs that are timed one right after
 * the other: 0.5 when time tells nothing. A share does not depend on the machine, and what else runs on it disturbs both
 * alike. By chance alone it leaves 0.4 to 0.6 once in a thousand million times.
 */
export async function longerShare<Input>({ first, second, work }: Comparison<Input>): Promise<number> {
  let longer = 0;
  for (let pair = -WARM_UP; pair < PAIRS; pair++) {
    // Neither is always made last, and so nearer in memory, nor timed last.
    const inputs = inAnyOrder([
      { isFirst: true, make: first },
      { isFirst: false, make: second },
    ]).map(({ isFirst, make }) => ({ isFirst, input: make() }));
    let difference = 0n;
    for (const { isFirst, input } of inAnyOrder(inputs)) {
      const start = process.hrtime.bigint();
      await work(input);
      const time = process.hrtime.bigint() - start;
      difference += isFirst ? time : -time;
    }
    // Where the clock sees no difference there is none.
    if (pair >= 0) longer += difference === 0n ? 0.5 : Number(difference > 0n);
  }
  return longer / PAIRS;
}

function inAnyOrder<Item>(items: readonly Item[]): readonly Item[] {
  return Math.random() < 0.5 ? items : items.toReversed();
}
