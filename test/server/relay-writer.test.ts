import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RelayWriter, type RelayWriterOptions } from '../../src/server/relay-writer.ts';

/** As much of a response as the writer uses. */
class Response {
  readonly heard: string[] = [];
  readonly waiting: (() => void)[] = [];
  destroyed = false;
  writableEnded = false;
  writableNeedDrain = false;

  write(bytes: Buffer | string): boolean {
    if (this.destroyed || this.writableEnded) throw new Error('written behind the end');
    this.heard.push(String(bytes));
    return !this.writableNeedDrain;
  }

  end(bytes: Buffer | string): void {
    this.write(bytes);
    this.heard.push('END');
    this.writableEnded = true;
  }

  destroy(): void {
    this.heard.push('DESTROY');
    this.destroyed = true;
  }

  once(name: string, callback: () => void): void {
    if (name === 'drain') this.waiting.push(callback);
  }
}

function open(options: Partial<RelayWriterOptions> = {}): { response: Response; writer: RelayWriter } {
  const response = new Response();
  const writer = new RelayWriter(response as unknown as ServerResponse, {
    format: 'event-stream',
    keepAliveMs: 1000,
    ...options,
  });
  return { response, writer };
}

const bytes = Buffer.from('data: 1\n\n');

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('RelayWriter', () => {
  it('writes at once, and says whether there is room', () => {
    const { response, writer } = open();
    expect(writer.write(bytes)).toBe(true);
    response.writableNeedDrain = true;
    expect(writer.write(bytes)).toBe(false);
    const goOn = vi.fn<() => void>();
    writer.onRoom(goOn);
    expect(response.waiting).toEqual([goOn]);
    writer.end(Buffer.from('data: [DONE]\n\n'));
    expect(response.heard).toEqual(['data: 1\n\n', 'data: 1\n\n', 'data: [DONE]\n\n', 'END']);
  });

  it('sends a comment after a silence, and after each further one', () => {
    const { response, writer } = open();
    vi.advanceTimersByTime(900);
    writer.write(bytes);
    vi.advanceTimersByTime(900);
    expect(response.heard).toEqual(['data: 1\n\n']);
    vi.advanceTimersByTime(1100);
    expect(response.heard).toEqual(['data: 1\n\n', ': keep-alive\n\n', ': keep-alive\n\n']);
  });

  it.each<{ name: string; change: Partial<Response>; options?: Partial<RelayWriterOptions> }>([
    { name: 'to a client that has left', change: { destroyed: true } },
    { name: 'to a client without room', change: { writableNeedDrain: true } },
    { name: 'into an object', change: {}, options: { format: 'json' } },
    { name: 'where none is wanted', change: {}, options: { keepAliveMs: 0 } },
  ])('sends no comment $name', ({ change, options }) => {
    const { response } = open(options);
    Object.assign(response, change);
    vi.advanceTimersByTime(5000);
    expect(response.heard).toEqual([]);
  });

  it.each<{ name: string; over: (writer: RelayWriter) => void }>([
    { name: 'its end', over: (writer) => writer.end(bytes) },
    { name: 'its failure', over: (writer) => writer.fail({}) },
  ])('sends no comment behind $name', ({ over }) => {
    const { writer } = open();
    over(writer);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('writes nothing to a client that has left, and does not wait for it', () => {
    const { response, writer } = open();
    response.destroyed = true;
    expect(writer.write(bytes)).toBe(true);
    writer.end(bytes);
    writer.fail({});
    expect(response.heard).toEqual([]);
  });

  it.each<{ name: string; change: Partial<Response>; format?: 'json'; heard: string[] }>([
    { name: 'a stream with a last event', change: {}, heard: ['data: {"error":{}}\n\n', 'END'] },
    {
      name: 'a stream without room by cutting it off',
      change: { writableNeedDrain: true },
      heard: ['DESTROY'],
    },
    { name: 'an object by cutting it off', change: {}, format: 'json', heard: ['DESTROY'] },
  ])('ends $name when it is broken, and writes nothing behind it', ({ change, format, heard }) => {
    const { response, writer } = open(format === undefined ? {} : { format });
    Object.assign(response, change);
    writer.fail({ error: {} });
    expect(writer.write(bytes)).toBe(true);
    writer.end(bytes);
    expect(response.heard).toEqual(heard);
  });
});
