/** Secrets to plant and to look for, each in all of its parts and spellings. */
import { createHash } from 'node:crypto';

interface Plant {
  readonly place: string;
  readonly value: string;
  /** Whose it is; nobody's: it must not be seen anywhere. */
  readonly owner: string | undefined;
}

/** What somebody can see. */
export interface Sight {
  readonly name: string;
  readonly text: string;
  /** Whose secrets may be in it. */
  readonly owners: readonly string[];
}

interface Needle {
  readonly form: string;
  readonly plant: Plant;
}

/** So many characters at the beginning or the end of a secret give it away. */
const TELLING = 12;

/** Needles are looked up by their first characters. The shortest is longer. */
const KEY_LENGTH = 8;

/** Characters that are written otherwise in JSON, in URLs and in forms, and stand in Base64. */
const ESCAPED = { header: '+/=', text: '+/="' } as const;

export class Plants {
  readonly #plants: Plant[] = [];
  readonly #entered: string[] = [];
  readonly #needles = new Map<string, Needle[]>();

  get size(): number {
    return this.#plants.length;
  }

  /**
   * A new secret.
   *
   * @param owner who may see it
   * @param kind where it can stand: in a header, or in text alone
   */
  put(place: string, owner?: string, kind: keyof typeof ESCAPED = 'header'): string {
    const hash = createHash('sha256').update(`${this.#plants.length} ${place}`).digest('hex');
    const letters = BigInt(`0x${hash}`).toString(36);
    return this.adopt(place, `Zq${letters.slice(0, 18)}${ESCAPED[kind]}${letters.slice(18, 36)}`, owner);
  }

  /** A secret that somebody else made. */
  adopt(place: string, value: string, owner?: string): string {
    const plant = { place, value, owner };
    this.#plants.push(plant);
    for (const part of [value.slice(0, TELLING), value.slice(-TELLING)]) {
      for (const form of formsOf(part)) {
        const key = form.slice(0, KEY_LENGTH);
        const others = this.#needles.get(key);
        if (others === undefined) this.#needles.set(key, [{ form, plant }]);
        else others.push({ form, plant });
      }
    }
    return value;
  }

  /** Something that has reached the server. */
  enter(...texts: readonly string[]): void {
    this.#entered.push(...texts);
  }

  /** Places whose secret has never reached the server, which would prove nothing. */
  missing(): string[] {
    const entered = this.#found(this.#entered.join('\n'));
    return this.#plants.filter((plant) => !entered.has(plant)).map(({ place }) => place);
  }

  /** Where secrets can be seen by those whose they are not. */
  leaks(sights: readonly Sight[]): string[] {
    return sights.flatMap(({ name, text, owners }) =>
      [...this.#found(text)]
        .filter(({ owner }) => owner === undefined || !owners.includes(owner))
        .map(({ place }) => `${place} is shown in ${name}`),
    );
  }

  #found(text: string): Set<Plant> {
    const found = new Set<Plant>();
    for (let at = 0; at + KEY_LENGTH <= text.length; at++) {
      for (const { form, plant } of this.#needles.get(text.slice(at, at + KEY_LENGTH)) ?? [])
        if (text.startsWith(form, at)) found.add(plant);
    }
    return found;
  }
}

/** As it is, in URLs, in hexadecimal and in Base64. In JSON a part of a secret looks as it is. */
function formsOf(part: string): Set<string> {
  // Base64 depends on what stands in front: all three alignments, without the characters that neighbours decide.
  const encoded = ['', ' ', '  '].map((before, at) => {
    const text = Buffer.from(before + part).toString('base64');
    return text.slice(at === 0 ? 0 : 4, text.endsWith('=') ? -4 : undefined);
  });
  return new Set([
    part,
    encodeURIComponent(part),
    Buffer.from(part).toString('hex'),
    ...encoded,
    ...encoded.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
  ]);
}
