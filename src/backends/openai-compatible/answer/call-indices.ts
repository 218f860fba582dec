import { isJsonObject, type JsonObject } from '../../../wire/validation/structure-checks.ts';

/** The calls of one choice so far. */
interface KnownCalls {
  /** The index of the next new call. */
  next: number;
  /** The index of the call that the last delta was about. */
  last: number | undefined;
  readonly byId: Map<string, number>;
}

/**
 * Which call each piece of a stream belongs to, for servers that do not number them (defect B1). Within a choice, an id
 * that is new opens the next call, and so does a name without an id; an id that is known goes on with its call; a piece
 * with neither goes on with the last one. A number that the server gives counts, whatever it is.
 */
export class CallIndices {
  readonly #choices = new Map<number, KnownCalls>();

  /** Whether a choice has made calls. */
  has(choice: number): boolean {
    return this.#choices.has(choice);
  }

  /**
   * To be asked once for each chunk, in their order.
   *
   * @returns for each object in `choices`, in order, the index of each object in its delta's `tool_calls`
   */
  read({ choices }: JsonObject): number[][] {
    if (!Array.isArray(choices)) return [];
    return choices.filter(isJsonObject).map(({ index, delta }, position) => {
      const calls = isJsonObject(delta) ? delta['tool_calls'] : undefined;
      if (!Array.isArray(calls)) return [];
      return this.#readDelta(typeof index === 'number' ? index : position, calls.filter(isJsonObject));
    });
  }

  #readDelta(choice: number, calls: readonly JsonObject[]): number[] {
    const known = this.#choices.get(choice) ?? { next: 0, last: undefined, byId: new Map<string, number>() };
    if (calls.length > 0) this.#choices.set(choice, known);
    // Several at once that say nothing of themselves can only be told apart by their places.
    const isByPlace = calls.filter((call) => idOf(call) === '' && nameOf(call) === '').length > 1;
    return calls.map((call, position) => {
      const index = numberOf(call) ?? guess(call, known, isByPlace ? position : undefined);
      known.next = Math.max(known.next, index + 1);
      known.last = index;
      const id = idOf(call);
      if (id !== '') known.byId.set(id, index);
      return index;
    });
  }
}

function guess(call: JsonObject, { next, last, byId }: KnownCalls, place: number | undefined): number {
  const id = idOf(call);
  if (id !== '') return byId.get(id) ?? next;
  if (nameOf(call) !== '') return next;
  return place ?? last ?? next;
}

/** The index a server gives. */
function numberOf({ index }: JsonObject): number | undefined {
  return typeof index === 'number' ? index : undefined;
}

function idOf({ id }: JsonObject): string {
  return typeof id === 'string' ? id : '';
}

function nameOf({ function: called }: JsonObject): string {
  const name = isJsonObject(called) ? called['name'] : undefined;
  return typeof name === 'string' ? name : '';
}
