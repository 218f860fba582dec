import { describe, expect, it } from 'vitest';
import {
  describeFault,
  isLocalFault,
  isTransient,
  redactCredentials,
  TransferFault,
} from '../../src/model-store/transfer-fault.ts';

function systemError(code: string, facts: { syscall?: string; path?: string } = {}): Error {
  return Object.assign(new Error(`${code}: raw text`), { code, ...facts });
}

describe('describeFault', () => {
  it.each<[Error | string, string]>([
    [systemError('ENOTFOUND'), 'the host name cannot be resolved; is there a network? (ENOTFOUND)'],
    [systemError('UND_ERR_BODY_TIMEOUT'), 'the transfer stalled (UND_ERR_BODY_TIMEOUT)'],
    [systemError('ENOSPC', { path: '/models/a' }), 'the disk is full (ENOSPC) at /models/a'],
    [systemError('EACCES', { path: '/models' }), 'permission denied (EACCES) at /models'],
    [
      systemError('SELF_SIGNED_CERT_IN_CHAIN'),
      "the server's certificate is not trusted (SELF_SIGNED_CERT_IN_CHAIN); NODE_EXTRA_CA_CERTS can name your own authority",
    ],
    [new TransferFault('HTTP 404'), 'HTTP 404'],
    [new Error('no route for https://me:pw@proxy:3128/x'), 'no route for https://proxy:3128/x'],
    ['text', 'text'],
  ])('%s', (error, expected) => {
    expect(describeFault(error)).toBe(expected);
  });
});

describe('redactCredentials', () => {
  it.each([
    ['https://user:pass@host/a', 'https://host/a'],
    [
      'Looking in https://u:p@a/simple, https://token@b/simple',
      'Looking in https://a/simple, https://b/simple',
    ],
    ['http://host/path@v1', 'http://host/path@v1'],
    ['mail me@host', 'mail me@host'],
  ])('%s', (text, expected) => {
    expect(redactCredentials(text)).toBe(expected);
  });
});

describe('isTransient', () => {
  it.each<[Error, boolean, boolean]>([
    [systemError('ECONNRESET'), false, true],
    [systemError('UND_ERR_SOCKET'), false, true],
    [systemError('ECONNREFUSED'), false, false],
    [systemError('ECONNREFUSED'), true, true],
    [systemError('EAI_AGAIN'), false, false],
    [systemError('EAI_AGAIN'), true, true],
    [systemError('ENOSPC'), true, false],
    [new TransferFault('x', { transient: true }), false, true],
    [new TransferFault('x'), true, false],
    [new Error('x'), true, false],
  ])('%s, progress made: %s', (error, madeProgress, expected) => {
    expect(isTransient(error, madeProgress)).toBe(expected);
  });
});

describe('isLocalFault', () => {
  it.each<[Error, boolean]>([
    [systemError('ENOSPC', { syscall: 'write' }), true],
    [systemError('EACCES', { syscall: 'open' }), true],
    [systemError('EACCES', { syscall: 'connect' }), false],
    [systemError('ECONNRESET'), false],
    [new TransferFault('x'), false],
  ])('%o', (error, expected) => {
    expect(isLocalFault(error)).toBe(expected);
  });
});
