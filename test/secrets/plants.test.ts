/** The look-out for secrets sees them: otherwise its silence would mean nothing. */
import { describe, expect, it } from 'vitest';
import { Plants } from './plants.ts';

function planted(owner?: string): { plants: Plants; value: string } {
  const plants = new Plants();
  for (let other = 0; other < 20; other++) plants.put(`other ${other}`);
  return { plants, value: plants.put('the key', owner, 'text') };
}

const SPELLINGS: readonly [name: string, write: (value: string) => string][] = [
  ['as it is', (value) => value],
  ['in JSON', (value) => JSON.stringify({ message: value })],
  ['in JSON in JSON', (value) => JSON.stringify(JSON.stringify({ message: value }))],
  ['in a URL', (value) => `https://example.com/?key=${encodeURIComponent(value)}`],
  ['in a form', (value) => new URLSearchParams({ key: value }).toString()],
  ['in HTML', (value) => `<b>${value.replaceAll('"', '&quot;')}</b>`],
  ['in hexadecimal', (value) => Buffer.from(value).toString('hex')],
  ['in Base64', (value) => Buffer.from(value).toString('base64')],
  ['in Base64 behind a name', (value) => Buffer.from(`ann:${value}`).toString('base64')],
  ['in Base64 behind a longer name', (value) => Buffer.from(`hanna:${value}.`).toString('base64')],
  ['in Base64 for URLs', (value) => Buffer.from(`{"key":"${value}"}`).toString('base64url')],
  ['cut off', (value) => `${value.slice(0, 12)}…`],
  ['with stars before its end', (value) => `***${value.slice(-12)}`],
];

describe('a secret', () => {
  it.each(SPELLINGS)('%s is seen, and nothing else', (_name, write) => {
    const { plants, value } = planted();
    const text = `${'some text '.repeat(50)}${write(value)}${' more'.repeat(50)}`;
    expect(plants.leaks([{ name: 'the log', text, owners: [] }])).toEqual(['the key is shown in the log']);
  });

  it.each(SPELLINGS)('%s may be seen by its owner alone', (_name, write) => {
    const { plants, value } = planted('ann');
    const text = write(value);
    const sights = [
      { name: 'her answer', text, owners: ['ann'] },
      { name: 'his answer', text, owners: ['ben'] },
      { name: 'nothing', text: 'nothing', owners: [] },
    ];
    expect(plants.leaks(sights)).toEqual(['the key is shown in his answer']);
  });

  it('is missed until it has entered', () => {
    const { plants, value } = planted();
    expect(plants.missing()).toHaveLength(21);
    plants.enter(JSON.stringify([value]));
    expect(plants.missing()).not.toContain('the key');
    expect(plants.missing()).toHaveLength(20);
  });
});
