import { describe, expect, it } from 'vitest';
import { replicaAddresses } from '../../../src/upstream/replicas/replica-address.ts';

describe('replicaAddresses', () => {
  it.each([
    ['http://10.0.0.5:8000', 'http://10.0.0.5:8000', '', '10.0.0.5:8000'],
    ['http://10.0.0.5:8000/', 'http://10.0.0.5:8000', '', '10.0.0.5:8000'],
    ['http://10.0.0.5:8000/v1', 'http://10.0.0.5:8000', '/v1', '10.0.0.5:8000'],
    ['https://models.example/a/b//', 'https://models.example', '/a/b', 'models.example'],
    ['https://models.example:443/v1', 'https://models.example', '/v1', 'models.example'],
    ['http://[::1]:8000/v1', 'http://[::1]:8000', '/v1', '[::1]:8000'],
    ['http://user:secret@localhost:8000/v1?key=secret#x', 'http://localhost:8000', '/v1', 'localhost:8000'],
  ])('reads %s', (url, origin, pathPrefix, name) => {
    expect(replicaAddresses([url])).toEqual([{ url: `${origin}${pathPrefix}`, origin, pathPrefix, name }]);
  });

  it.each([
    { urls: ['http://a:1/v1', 'http://b:1/v1'], names: ['a:1', 'b:1'] },
    { urls: ['http://a:1/v1', 'http://a:2/v1'], names: ['a:1', 'a:2'] },
    { urls: ['http://a:1/x', 'http://a:1/y', 'http://b:1/x'], names: ['a:1/x', 'a:1/y', 'b:1'] },
    { urls: ['http://a:1/', 'http://a:1/y'], names: ['a:1', 'a:1/y'] },
    { urls: ['http://a:1/x', 'http://a:1/x'], names: ['a:1', 'a:1'] },
  ])('names $urls so that they can be told apart', ({ urls, names }) => {
    expect(replicaAddresses(urls).map(({ name }) => name)).toEqual(names);
  });

  it('throws for what is no URL', () => {
    expect(() => replicaAddresses(['10.0.0.5:8000'])).toThrow(TypeError);
  });
});
