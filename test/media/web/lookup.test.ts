import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { nameServerAddresses, systemAddresses } from '../../../src/media/web/lookup.ts';
import { bodyAnswer } from '../../support/faulty-answers.ts';
import { FaultyServer } from '../../support/faulty-server.ts';
import { type Reply, startNameServer } from './name-server.ts';
import { webMediaFactory } from './open-web.ts';

const never = new AbortController().signal;
const openWeb = webMediaFactory();

const V6 = '2606:4700:0:0:0:0:0:1';

describe('nameServerAddresses', () => {
  it('asks for addresses of both kinds', async () => {
    const { server, asked } = await startNameServer((_, type) =>
      type === 'A' ? ['192.0.2.1', '192.0.2.2'] : [V6],
    );
    expect(await nameServerAddresses({ servers: [server] })('some.test', never)).toEqual([
      { address: '192.0.2.1', family: 4 },
      { address: '192.0.2.2', family: 4 },
      { address: '2606:4700::1', family: 6 },
    ]);
    expect(asked.toSorted()).toEqual(['A some.test', 'AAAA some.test']);
  });

  it.each<{ A: Reply; AAAA: Reply; found: string[] }>([
    { A: ['192.0.2.1'], AAAA: [], found: ['192.0.2.1'] },
    { A: [], AAAA: [V6], found: ['2606:4700::1'] },
    { A: ['192.0.2.1'], AAAA: 'failure', found: ['192.0.2.1'] },
    { A: 'refused', AAAA: [V6], found: ['2606:4700::1'] },
    { A: ['192.0.2.1'], AAAA: 'silence', found: ['192.0.2.1'] },
    { A: [], AAAA: [], found: [] },
    { A: 'no such name', AAAA: 'no such name', found: [] },
  ])('finds $found where A is $A and AAAA is $AAAA', async ({ found, ...replies }) => {
    const { server } = await startNameServer((_, type) => replies[type]);
    const addresses = await nameServerAddresses({ servers: [server], totalMs: 500 })('some.test', never);
    expect(addresses.map(({ address }) => address)).toEqual(found);
  });

  it.each<{ reply: Reply; reason: string }>([
    { reply: 'failure', reason: 'its host could not be resolved (ESERVFAIL)' },
    { reply: 'refused', reason: 'its host could not be resolved (EREFUSED)' },
    { reply: 'silence', reason: 'its host could not be resolved in time' },
  ])('cannot tell after $reply', async ({ reply, reason }) => {
    const { server } = await startNameServer(() => reply);
    const addresses = nameServerAddresses({ servers: [server], totalMs: 500 })('some.test', never);
    await expect(addresses).rejects.toMatchObject({
      name: 'WebFault',
      code: 'invalid_argument',
      message: reason,
      mayPass: true,
    });
  });

  it('gives up with its signal', async () => {
    const { server, asked } = await startNameServer(() => 'silence');
    const leaving = new AbortController();
    const reason = new Error('left');
    const find = nameServerAddresses({ servers: [server] });
    const addresses = find('some.test', leaving.signal);
    leaving.abort(reason);
    await expect(addresses).rejects.toBe(reason);
    const before = asked.length;
    await expect(find('some.test', leaving.signal)).rejects.toBe(reason);
    expect(asked).toHaveLength(before);
  });

  it('holds up nothing else', async () => {
    const { server } = await startNameServer(() => 'silence');
    const leaving = new AbortController();
    const find = nameServerAddresses({ servers: [server] });
    const silent = Array.from({ length: 16 }, (_, number) => find(`silent-${number}.test`, leaving.signal));
    const others = [readFile(import.meta.filename), systemAddresses('localhost', never)];
    await expect(Promise.race([...silent, Promise.all(others)])).resolves.toHaveLength(2);
    leaving.abort(new Error('left'));
    for (const search of silent) await expect(search).rejects.toThrow('left');
  });

  it('finds what media are fetched from', async () => {
    const { server } = await startNameServer((_, type) => (type === 'A' ? ['127.0.0.1'] : []));
    await using web = await FaultyServer.start();
    web.respond = () => bodyAnswer('cat');
    const url = web.url.replace('127.0.0.1', 'cats.test');
    const lookup = nameServerAddresses({ servers: [server] });
    expect(String(await openWeb({ allow: ['*'], isPublic: () => true, lookup }).read(url))).toBe('cat');
    await expect(openWeb({ allow: ['*'], lookup }).read(url)).rejects.toMatchObject({
      code: 'unsupported_media',
      message: `The medium at ${url}/ is not fetched: its host does not have a public address.`,
    });
    expect(web.requests).toHaveLength(1);
  });

  it('tells of a name that nobody can find, and of one that may be found later', async () => {
    const { server } = await startNameServer((name) => (name === 'gone.test' ? 'no such name' : 'failure'));
    const { open } = openWeb({ lookup: nameServerAddresses({ servers: [server] }) });
    await expect(open('https://gone.test/a')).rejects.toMatchObject({
      code: 'invalid_argument',
      shouldRetry: undefined,
      message: 'The medium at https://gone.test/a cannot be fetched: its host has no address.',
    });
    await expect(open('https://other.test/a')).rejects.toMatchObject({
      code: 'invalid_argument',
      shouldRetry: true,
      message:
        'The medium at https://other.test/a cannot be fetched: its host could not be resolved (ESERVFAIL).',
    });
  });
});

it.each([
  { name: 'systemAddresses', find: systemAddresses },
  { name: 'nameServerAddresses', find: nameServerAddresses() },
])('$name finds nothing for what can be no name', async ({ find }) => {
  expect(await find(`${'x'.repeat(64)}.test`, never)).toEqual([]);
});

describe('systemAddresses', () => {
  it('knows the names of this machine', async () => {
    const addresses = await systemAddresses('localhost', never);
    expect(addresses.map(({ address }) => address)).toContain('127.0.0.1');
  });
});
