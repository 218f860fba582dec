import { describe, expect, it } from 'vitest';
import { findLlamaServer } from '../../bench/llama-server.ts';

describe('findLlamaServer', () => {
  it('takes the program LLAMA_SERVER names', () => {
    expect(findLlamaServer({ LLAMA_SERVER: process.execPath })).toBe(process.execPath);
  });

  it('says so when LLAMA_SERVER names nothing', () => {
    expect(() => findLlamaServer({ LLAMA_SERVER: '/nowhere/llama-server' })).toThrow('no such file');
  });
});
