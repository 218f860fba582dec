import { describe, expect, it } from 'vitest';
import { apiRoot } from '../../src/config/api-root.ts';

describe('apiRoot', () => {
  it.each([
    ['http://10.0.0.5:8000', 'http://10.0.0.5:8000/v1'],
    ['http://10.0.0.5:8000/', 'http://10.0.0.5:8000/v1'],
    ['http://10.0.0.5:8000//', 'http://10.0.0.5:8000/v1'],
    ['http://10.0.0.5:8000/v1', 'http://10.0.0.5:8000/v1'],
    ['http://10.0.0.5:8000/v1/', 'http://10.0.0.5:8000/v1'],
    ['http://host/vllm/v1', 'http://host/vllm/v1'],
    ['https://api.example/openai/', 'https://api.example/openai'],
    ['https://API.example:443', 'https://api.example/v1'],
    ['http://api.example:80/V1', 'http://api.example/V1'],
    ['http://[2001:db8::1]:8000', 'http://[2001:db8::1]:8000/v1'],
    ['http://host/a%20b/v1', 'http://host/a%20b/v1'],
    ['http://host/a/../v2', 'http://host/v2'],
  ])('of %s is %s', (url, root) => {
    expect(apiRoot(url)).toBe(root);
    expect(apiRoot(root)).toBe(root);
  });

  it('needs a URL', () => {
    expect(() => apiRoot('10.0.0.5:8000')).toThrow(TypeError);
  });
});
