import { LruMap } from '../lru-map.ts';
import type { WholeMedium } from './medium.ts';

export interface MediaCacheOptions {
  /** Bytes of all media together. */
  readonly maxBytes: number;
  /** How long a reference is taken to mean the same, in milliseconds. */
  readonly lifetimeMs: number;
  /** A clock that never goes back, in milliseconds. @default performance.now */
  readonly now?: () => number;
}

interface Known {
  readonly hash: string;
  readonly until: number;
}

/**
 * Media fetched a moment ago: a conversation sends the same references with every turn. What is the same for one tenant
 * is kept once, whatever refers to it. Tenants never see each other's: one may be allowed to read what another is not.
 */
export class MediaCache {
  readonly #options: MediaCacheOptions;
  readonly #now: () => number;
  /** What references meant. */
  readonly #known = new Map<string, Known>();
  /** By tenant and hash. */
  readonly #media: LruMap<WholeMedium>;

  constructor(options: MediaCacheOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#media = new LruMap({ maxWeight: options.maxBytes, weigh: ({ byteLength }) => byteLength });
  }

  get(tenant: string, reference: string): WholeMedium | undefined {
    const key = keyOf(tenant, reference);
    const known = this.#known.get(key);
    const place = known === undefined ? undefined : keyOf(tenant, known.hash);
    const medium = place === undefined ? undefined : this.#media.get(place);
    if (known === undefined || place === undefined || medium === undefined || known.until <= this.#now()) {
      this.#known.delete(key);
      return undefined;
    }
    return medium;
  }

  /** @returns the same bytes as they are known already, else `medium` */
  set(tenant: string, reference: string, medium: WholeMedium): WholeMedium {
    const { maxBytes, lifetimeMs } = this.#options;
    if (medium.byteLength > maxBytes) return medium;
    const place = keyOf(tenant, medium.hash);
    const kept = this.#media.get(place) ?? medium;
    if (kept === medium) this.#media.set(place, medium);
    const key = keyOf(tenant, reference);
    this.#known.delete(key);
    this.#known.set(key, { hash: medium.hash, until: this.#now() + lifetimeMs });
    this.#forgetOldest();
    return kept;
  }

  #forgetOldest(): void {
    const now = this.#now();
    for (const [key, { until }] of this.#known) {
      // All live equally long: what comes behind was asked for later.
      if (until > now) break;
      this.#known.delete(key);
    }
  }
}

const keyOf = (tenant: string, name: string): string => `${tenant}\n${name}`;
