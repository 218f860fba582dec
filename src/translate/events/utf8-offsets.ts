/** Distance of the remembered places, in UTF-16 code units. */
const STEP = 512;

interface Place {
  units: number;
  bytes: number;
}

/** Converts between UTF-8 byte offsets and UTF-16 offsets of one text. */
export class Utf8Offsets {
  readonly #text: string;
  /** A place about every {@link STEP} code units, so that a conversion walks over a short stretch only. */
  readonly #places: Place[] = [{ units: 0, bytes: 0 }];

  constructor(text: string) {
    this.#text = text;
    const place = { units: 0, bytes: 0 };
    for (let next = STEP; place.units < text.length; next = place.units + STEP) {
      this.#walk(place, (reached) => reached.units >= next);
      this.#places.push({ ...place });
    }
  }

  /** Offset of the character that holds the byte; the text's length for anything behind its end. */
  unitsAt(bytes: number): number {
    const place = { ...this.#nearest((candidate) => candidate.bytes <= bytes) };
    this.#walk(place, (_, next) => next.bytes > bytes);
    return place.units;
  }

  bytesAt(units: number): number {
    const place = { ...this.#nearest((candidate) => candidate.units <= units) };
    this.#walk(place, (_, next) => next.units > units);
    return place.bytes;
  }

  #nearest(isBefore: (place: Place) => boolean): Place {
    let low = 0;
    let high = this.#places.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (isBefore(this.#places[middle] as Place)) low = middle;
      else high = middle - 1;
    }
    return this.#places[low] as Place;
  }

  /** Moves `place` character by character until the text ends or `isOver` says so. */
  #walk(place: Place, isOver: (reached: Place, next: Place) => boolean): void {
    while (place.units < this.#text.length) {
      const character = this.#text.codePointAt(place.units) as number;
      const next = {
        units: place.units + (character > 0xff_ff ? 2 : 1),
        bytes: place.bytes + utf8Length(character),
      };
      if (isOver(place, next)) return;
      Object.assign(place, next);
    }
  }
}

/** RFC 3629 section 3. A lone surrogate becomes U+FFFD, which takes as many bytes as its own range would. */
function utf8Length(character: number): number {
  if (character < 0x80) return 1;
  if (character < 0x8_00) return 2;
  return character < 0x1_00_00 ? 3 : 4;
}
