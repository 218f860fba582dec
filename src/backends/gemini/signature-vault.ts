import { LruMap } from '../../lru-map.ts';

/**
 * Keeps thought signatures for clients that do not send them back. Signatures belong to a tenant: a call id of one
 * tenant finds nothing of another. Contract section 5.1.
 */
export interface SignatureVault {
  get(tenant: string, callId: string): string | undefined;
  set(tenant: string, callId: string, signature: string): void;
}

export interface MemorySignatureVaultOptions {
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** @default 20000 */
  readonly maxEntries?: number;
  /** Time a signature is kept, in milliseconds. @default 6 hours */
  readonly lifetimeMs?: number;
  /** Bytes of all signatures and their keys together. @default 64 MiB */
  readonly maxBytes?: number;
  /** A longer signature, in bytes, is not kept. @default 256 KiB */
  readonly maxSignatureBytes?: number;
}

interface Entry {
  readonly signature: string;
  readonly expiresAt: number;
}

const HOUR = 3_600_000;
const KIBIBYTE = 1024;

/** A vault in memory. When it is full, the signature goes that was used longest ago. */
export class MemorySignatureVault implements SignatureVault {
  readonly #now: () => number;
  readonly #lifetimeMs: number;
  readonly #maxSignatureBytes: number;
  readonly #entries: LruMap<Entry>;

  constructor({ now, maxEntries, lifetimeMs, maxBytes, maxSignatureBytes }: MemorySignatureVaultOptions) {
    this.#now = now;
    this.#lifetimeMs = lifetimeMs ?? 6 * HOUR;
    this.#maxSignatureBytes = maxSignatureBytes ?? 256 * KIBIBYTE;
    this.#entries = new LruMap({
      maxEntries: maxEntries ?? 20_000,
      maxWeight: maxBytes ?? 64 * KIBIBYTE * KIBIBYTE,
      weigh: ({ signature }, key) => Buffer.byteLength(key) + Buffer.byteLength(signature),
    });
  }

  get(tenant: string, callId: string): string | undefined {
    const key = keyOf(tenant, callId);
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.expiresAt > this.#now()) return entry?.signature;
    this.#entries.delete(key);
    return undefined;
  }

  /** An empty call id or signature is not kept: it could not be told from others. */
  set(tenant: string, callId: string, signature: string): void {
    if (callId === '' || signature === '') return;
    const key = keyOf(tenant, callId);
    if (Buffer.byteLength(signature) > this.#maxSignatureBytes) this.#entries.delete(key);
    else this.#entries.set(key, { signature, expiresAt: this.#now() + this.#lifetimeMs });
  }
}

/** The length in front keeps pairs apart whatever characters tenant and id hold. */
function keyOf(tenant: string, callId: string): string {
  return `${tenant.length}:${tenant}${callId}`;
}
