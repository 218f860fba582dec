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
  signature: string;
  bytes: number;
  expiresAt: number;
}

const HOUR = 3_600_000;
const KIBIBYTE = 1024;

/** A vault in memory. When it is full, the signature goes that was used longest ago. */
export class MemorySignatureVault implements SignatureVault {
  readonly #now: () => number;
  readonly #maxEntries: number;
  readonly #lifetimeMs: number;
  readonly #maxBytes: number;
  readonly #maxSignatureBytes: number;
  /** Least recently used first: a Map keeps the order of insertion. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor({ now, maxEntries, lifetimeMs, maxBytes, maxSignatureBytes }: MemorySignatureVaultOptions) {
    this.#now = now;
    this.#maxEntries = maxEntries ?? 20_000;
    this.#lifetimeMs = lifetimeMs ?? 6 * HOUR;
    this.#maxBytes = maxBytes ?? 64 * KIBIBYTE * KIBIBYTE;
    this.#maxSignatureBytes = maxSignatureBytes ?? 256 * KIBIBYTE;
  }

  get(tenant: string, callId: string): string | undefined {
    const key = keyOf(tenant, callId);
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.expiresAt <= this.#now()) {
      this.#bytes -= entry.bytes;
      return undefined;
    }
    this.#entries.set(key, entry);
    return entry.signature;
  }

  /** An empty call id or signature is not kept: it could not be told from others. */
  set(tenant: string, callId: string, signature: string): void {
    if (callId === '' || signature === '') return;
    const key = keyOf(tenant, callId);
    this.#delete(key);
    const signatureBytes = Buffer.byteLength(signature);
    const bytes = Buffer.byteLength(key) + signatureBytes;
    if (signatureBytes > this.#maxSignatureBytes || bytes > this.#maxBytes) return;
    this.#entries.set(key, { signature, bytes, expiresAt: this.#now() + this.#lifetimeMs });
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxEntries && this.#bytes <= this.#maxBytes) break;
      this.#delete(oldest);
    }
  }

  #delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}

/** The length in front keeps pairs apart whatever characters tenant and id hold. */
function keyOf(tenant: string, callId: string): string {
  return `${tenant.length}:${tenant}${callId}`;
}
