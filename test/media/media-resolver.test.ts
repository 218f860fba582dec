import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { MediaCache } from '../../src/media/media-cache.ts';
import { type MediaCaller, MediaResolver, type MediaSource } from '../../src/media/media-resolver.ts';
import { remoteReferences } from '../../src/translate/media-references.ts';
import { MemoryBudget } from '../../src/media/memory-budget.ts';

const PNG_HEAD = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/** A PNG of this many bytes, as far as anybody looks. */
const png = (bytes: number): Buffer => Buffer.concat([PNG_HEAD, Buffer.alloc(bytes - PNG_HEAD.length, 1)]);

/** A source that has what a test says, and counts. */
class FakeSource implements MediaSource {
  readonly opened: [uri: string, caller: MediaCaller][] = [];
  /** Transfers that were read to their end, and that were left before. */
  ended = 0;
  left = 0;
  running = 0;
  most = 0;
  readonly #contents: Readonly<Record<string, Buffer>>;
  readonly #options: { tellsLength?: boolean; delay?: number };

  constructor(contents: Record<string, Buffer>, options: { tellsLength?: boolean; delay?: number } = {}) {
    this.#contents = contents;
    this.#options = options;
  }

  isOwn(uri: string): boolean {
    return uri.startsWith('gs://own/');
  }

  async open(uri: string, { caller, signal }: { caller: MediaCaller; signal: AbortSignal }) {
    this.opened.push([uri, caller]);
    const content = this.#contents[uri];
    if (content === undefined) throw new GatewayError('invalid_argument', 'is not there');
    const { tellsLength = true } = this.#options;
    return {
      contentType: undefined,
      length: tellsLength ? content.length : undefined,
      body: this.#read(content, signal),
    };
  }

  async *#read(content: Buffer, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
    let isComplete = false;
    this.most = Math.max(this.most, ++this.running);
    try {
      for (let at = 0; at < content.length; at += 1000) {
        await pause(this.#options.delay ?? 0, undefined, { signal });
        yield content.subarray(at, at + 1000);
      }
      isComplete = true;
    } finally {
      this.running--;
      if (isComplete) this.ended++;
      else this.left++;
    }
  }
}

interface Options {
  readonly web?: FakeSource;
  readonly buckets?: FakeSource;
  readonly total?: number;
  readonly cacheBytes?: number;
}

function start({ web, buckets, total = 100_000, cacheBytes = 0 }: Options) {
  const budget = new MemoryBudget(total);
  const resolver = new MediaResolver({
    web: web ?? new FakeSource({}),
    buckets: buckets ?? new FakeSource({}),
    budget,
    cache: new MediaCache({ maxBytes: cacheBytes, lifetimeMs: 1000 }),
    maxBytes: 20_000,
  });
  return { budget, resolver };
}

const CALLER: MediaCaller = { tenant: 'one' };
const never = new AbortController().signal;
const at = (...texts: string[]) =>
  texts.map((text, index) => ({ text, path: ['messages', 0, 'content', index, 'image_url', 'url'] }));

const requestWith = (urls: readonly string[]) => ({
  messages: [{ role: 'user', content: urls.map((url) => ({ type: 'image_url', image_url: { url } })) }],
});

describe('MediaResolver', () => {
  it('fetches each reference once, from where it is', async () => {
    const web = new FakeSource({ 'https://a/1.png': png(3000) });
    const buckets = new FakeSource({ 'gs://b/o': png(50) });
    const { resolver, budget } = start({ web, buckets });
    const held = await resolver.fetch(at('https://a/1.png', 'gs://b/o', 'https://a/1.png'), CALLER, {
      signal: never,
    });
    expect(held.get('https://a/1.png')).toMatchObject({ mimeType: 'image/png', byteLength: 3000 });
    expect(held.get('gs://b/o')).toMatchObject({ byteLength: 50 });
    expect(web.opened).toEqual([['https://a/1.png', CALLER]]);
    expect(budget.free).toBe(100_000 - 3050);
    held.release();
    expect(budget.free).toBe(100_000);
  });

  it('holds nothing of a request that refers to nothing', async () => {
    const { resolver } = start({});
    expect((await resolver.fetch([], CALLER, { signal: never })).isEmpty).toBe(true);
  });

  it('names the reference that cannot be had, ends the other transfers and holds nothing', async () => {
    const web = new FakeSource({ 'https://a/1': png(20_000) }, { delay: 1 });
    const { resolver, budget } = start({ web });
    await expect(
      resolver.fetch(at('https://a/1', 'https://a/none'), CALLER, { signal: never }),
    ).rejects.toMatchObject({
      code: 'invalid_argument',
      message: 'is not there',
      param: 'messages[0].content[1].image_url.url',
    });
    expect({ ended: web.ended, left: web.left, free: budget.free }).toEqual({
      ended: 0,
      left: 1,
      free: 100_000,
    });
  });

  it.each([true, false])('refuses what is too long, length told: %s', async (tellsLength) => {
    const web = new FakeSource({ 'https://a/1': png(50_000) }, { tellsLength });
    const { resolver, budget } = start({ web });
    await expect(resolver.fetch(at('https://a/1'), CALLER, { signal: never })).rejects.toMatchObject({
      code: 'unsupported_media',
      message: 'The medium at https://a/1 is larger than the 20000 bytes that this server fetches.',
    });
    expect(budget.free).toBe(100_000);
  });

  it('reads no further than it takes to see that nobody takes it', async () => {
    const web = new FakeSource({ 'https://a/1.png': Buffer.alloc(20_000, '<html>') });
    const { resolver } = start({ web });
    await expect(resolver.fetch(at('https://a/1.png'), CALLER, { signal: never })).rejects.toThrow(
      /said to be image\/png/,
    );
    expect({ ended: web.ended, left: web.left }).toEqual({ ended: 0, left: 1 });
  });

  it('refuses what is empty', async () => {
    const { resolver } = start({ web: new FakeSource({ 'https://a/1': Buffer.alloc(0) }) });
    await expect(resolver.fetch(at('https://a/1'), CALLER, { signal: never })).rejects.toThrow(
      'The medium at https://a/1 is empty.',
    );
  });

  it('refuses a request whose media are too much together', async () => {
    const web = new FakeSource(Object.fromEntries([1, 2, 3].map((n) => [`https://a/${n}`, png(15_000)])));
    const { resolver, budget } = start({ web, total: 40_000 });
    const uris = ['https://a/1', 'https://a/2', 'https://a/3'];
    await expect(resolver.fetch(at(...uris), CALLER, { signal: never })).rejects.toThrow(
      /have more than the 40000 bytes together/,
    );
    expect(budget.free).toBe(40_000);
    expect((await resolver.fetch(at(...uris.slice(1)), CALLER, { signal: never })).isEmpty).toBe(false);
  });

  it.each([true, false])(
    'lets requests wait for memory, and serves them all, length told: %s',
    async (tellsLength) => {
      const web = new FakeSource({ 'https://a/1': png(15_000) }, { tellsLength, delay: 1 });
      const { resolver, budget } = start({ web, total: 50_000 });
      let held = 0;
      let most = 0;
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const media = await resolver.fetch(at('https://a/1'), CALLER, { signal: never });
          most = Math.max(most, ++held);
          await pause(2);
          held--;
          media.release();
        }),
      );
      expect(most).toBeLessThanOrEqual(3);
      expect(budget.free).toBe(50_000);
    },
  );

  it('gives up with its client', async () => {
    const web = new FakeSource({ 'https://a/1': png(20_000) }, { delay: 5 });
    const { resolver, budget } = start({ web });
    const controller = new AbortController();
    const fetched = resolver.fetch(at('https://a/1'), CALLER, { signal: controller.signal });
    setTimeout(() => {
      controller.abort(new GatewayError('cancelled', 'The client closed the connection.'));
    }, 8);
    await expect(fetched).rejects.toMatchObject({ code: 'cancelled' });
    expect([web.left, budget.free]).toEqual([1, 100_000]);
  });

  it('asks again for another tenant only', async () => {
    const web = new FakeSource({ 'https://a/1': png(3000) });
    const { resolver, budget } = start({ web, cacheBytes: 10_000 });
    for (const tenant of ['one', 'one', 'two'])
      (await resolver.fetch(at('https://a/1'), { tenant }, { signal: never })).release();
    expect(web.opened.map(([, { tenant }]) => tenant)).toEqual(['one', 'two']);
    expect(budget.free).toBe(100_000);
  });

  it('knows what is outside of a request, and what is its own', () => {
    const { resolver } = start({});
    const texts = ['gs://b/o', 'HTTPS://a', 'http://a', 'data:x', 'files/x', 'AAAA', 'ftp://a'];
    expect(remoteReferences(requestWith(texts)).map(({ text }) => text)).toEqual([
      'gs://b/o',
      'HTTPS://a',
      'http://a',
    ]);
    expect(['gs://own/o', 'gs://b/o', 'https://own/o'].filter((text) => resolver.isOwn(text))).toEqual([
      'gs://own/o',
    ]);
  });
});
