import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemorySignatureVault } from '../../../src/backends/gemini/signature-vault.ts';

const HOUR = 3_600_000;

function vaultAt(options: Partial<ConstructorParameters<typeof MemorySignatureVault>[0]> = {}): {
  vault: MemorySignatureVault;
  pass: (milliseconds: number) => void;
} {
  let time = 0;
  return {
    vault: new MemorySignatureVault({ now: () => time, ...options }),
    pass: (milliseconds) => {
      time += milliseconds;
    },
  };
}

describe('MemorySignatureVault', () => {
  it('gives back what was set last, to the same tenant only', () => {
    const { vault } = vaultAt();
    vault.set('a', 'call_1', 'old');
    vault.set('a', 'call_1', 'new');
    expect(vault.get('a', 'call_1')).toBe('new');
    expect(vault.get('b', 'call_1')).toBeUndefined();
    expect(vault.get('', 'call_1')).toBeUndefined();
    expect(vault.get('a', 'call_2')).toBeUndefined();
  });

  it('keeps every pair of tenant and id apart', () => {
    const pair = fc.tuple(fc.string({ maxLength: 3 }), fc.string({ minLength: 1, maxLength: 3 }));
    fc.assert(
      fc.property(fc.uniqueArray(pair, { selector: (value) => JSON.stringify(value) }), (pairs) => {
        const { vault } = vaultAt();
        for (const [tenant, id] of pairs) vault.set(tenant, id, JSON.stringify([tenant, id]));
        for (const [tenant, id] of pairs) expect(vault.get(tenant, id)).toBe(JSON.stringify([tenant, id]));
      }),
    );
  });

  it('forgets after six hours, however often it was asked', () => {
    const { vault, pass } = vaultAt();
    vault.set('t', 'c', 's');
    pass(5 * HOUR);
    expect(vault.get('t', 'c')).toBe('s');
    pass(HOUR - 1);
    expect(vault.get('t', 'c')).toBe('s');
    pass(1);
    expect(vault.get('t', 'c')).toBeUndefined();
  });

  it('lets go of the signature that was used longest ago', () => {
    const { vault } = vaultAt({ maxEntries: 2 });
    vault.set('t', '1', 'a');
    vault.set('t', '2', 'b');
    vault.get('t', '1');
    vault.set('t', '3', 'c');
    expect(['1', '2', '3'].map((id) => vault.get('t', id))).toEqual(['a', undefined, 'c']);
  });

  it('holds 20,000 entries', () => {
    const { vault } = vaultAt();
    for (let call = 0; call <= 20_000; call++) vault.set('t', `call_${call}`, 's');
    expect(vault.get('t', 'call_0')).toBeUndefined();
    expect(vault.get('t', 'call_1')).toBe('s');
    expect(vault.get('t', 'call_20000')).toBe('s');
  });

  it('stays within its bytes, keys included', () => {
    const { vault } = vaultAt({ maxBytes: 100 });
    for (const id of ['1', '2', '3']) vault.set('t', id, 'é'.repeat(15));
    // Each takes 30 bytes and a key of 4.
    expect(['1', '2', '3'].map((id) => vault.get('t', id)?.length)).toEqual([undefined, 15, 15]);
  });

  it('frees the bytes of what is replaced or has expired', () => {
    const { vault, pass } = vaultAt({ maxBytes: 100 });
    for (let times = 0; times < 10; times++) vault.set('t', '1', 's'.repeat(40));
    vault.set('t', '2', 's'.repeat(40));
    expect(vault.get('t', '1')).toBeDefined();
    pass(6 * HOUR);
    expect([vault.get('t', '1'), vault.get('t', '2')]).toEqual([undefined, undefined]);
    vault.set('t', '3', 's'.repeat(40));
    vault.set('t', '4', 's'.repeat(40));
    expect([vault.get('t', '3'), vault.get('t', '4')]).not.toContain(undefined);
  });

  it.each([
    ['a signature over the limit', 'c', 's'.repeat(11)],
    ['an empty signature', 'c', ''],
    ['an empty call id', '', 's'],
  ])('does not keep %s', (_, id, signature) => {
    const { vault } = vaultAt({ maxSignatureBytes: 10 });
    vault.set('t', id, signature);
    expect(vault.get('t', id)).toBeUndefined();
  });

  it('forgets the old signature when the new one is too long to keep', () => {
    const { vault } = vaultAt({ maxSignatureBytes: 10 });
    vault.set('t', 'c', 'short');
    vault.set('t', 'c', 's'.repeat(11));
    expect(vault.get('t', 'c')).toBeUndefined();
  });
});
