import { describe, expect, it } from 'vitest';
import type { Principal } from '../../src/auth/inbound/principal.ts';
import type { CallerPolicy } from '../../src/caller-policy.ts';
import { GatewayError } from '../../src/errors.ts';
import { assertAllowed, type Wanted } from '../../src/routing/access-policy.ts';

const RESOURCE = 'projects/p/locations/l/publishers';

function caller(policy?: CallerPolicy): Principal {
  return { kind: 'key', id: 'key:abc', tenant: 't', ...(policy && { policy }) };
}

/** The refusal, or `undefined` for what is allowed. */
function refusalOf(policy: CallerPolicy | undefined, wanted: Wanted): GatewayError | undefined {
  try {
    assertAllowed(caller(policy), wanted);
    return undefined;
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
}

const isAllowed = (policy: CallerPolicy | undefined, wanted: Wanted) =>
  refusalOf(policy, wanted) === undefined;

const SPELLINGS = [
  'gemini-2.5-flash',
  'google/gemini-2.5-flash',
  'models/gemini-2.5-flash',
  `${RESOURCE}/google/models/gemini-2.5-flash`,
  'publishers/google/models/gemini-2.5-flash',
];

describe('models', () => {
  it.each(SPELLINGS)(
    'may be asked for as %s where the policy names them with or without publisher',
    (model) => {
      for (const glob of ['gemini-2.5-flash', 'google/gemini-2.5-flash', 'gemini-*', 'google/*', '*']) {
        expect({ glob, allowed: isAllowed({ models: [glob] }, { model }) }).toEqual({ glob, allowed: true });
      }
    },
  );

  it.each(SPELLINGS)('may not be asked for as %s where the policy names others', (model) => {
    const others = [
      'gemini-2.5',
      'gemini-2.5-pro',
      'emini-2.5-flash',
      'gemini-2x5-flash',
      'meta/*',
      '',
      'gemini',
    ];
    expect(isAllowed({ models: others }, { model })).toBe(false);
  });

  it.each([
    ['meta/llama-4', 'meta/llama-4', true],
    [`${RESOURCE}/meta/models/llama-4`, 'meta/llama-4', true],
    ['meta/llama-4', 'llama-4', false],
    ['meta/gemini-2.5-flash', 'gemini-2.5-flash', false],
    ['evil/google/gemini-2.5-flash', 'google/*', false],
    ['GEMINI-2.5-FLASH', 'gemini-*', false],
    [' gemini-2.5-flash', 'gemini-*', false],
    ['gemini-2.5-flash\n', 'gemini-2.5-flash', false],
    ['', 'gemini-*', false],
    ['', '*', true],
    ['__proto__', 'gemini-*', false],
  ])('%j under the policy %j: %s', (model, glob, expected) => {
    expect(isAllowed({ models: [glob] }, { model })).toBe(expected);
  });
});

describe('endpoints and projects', () => {
  const model = 'm';

  it.each<[string, CallerPolicy, Wanted, boolean]>([
    ['a named endpoint', { endpoints: ['42'] }, { model, endpoint: '42' }, true],
    ['another endpoint', { endpoints: ['42'] }, { model, endpoint: '421' }, false],
    ['an endpoint in another case', { endpoints: ['abc'] }, { model, endpoint: 'ABC' }, false],
    ['an endpoint under a glob, which is none here', { endpoints: ['*'] }, { model, endpoint: '42' }, false],
    ['no endpoint', { endpoints: ['42'] }, { model }, true],
    ['a named project', { projects: ['p'] }, { model, project: 'p' }, true],
    ['another project', { projects: ['p'] }, { model, project: 'pp' }, false],
    ['a path without a project', { projects: ['p'] }, { model }, false],
    [
      'an endpoint of another project',
      { endpoints: ['42'], projects: ['p'] },
      { model, endpoint: '42', project: 'q' },
      false,
    ],
    [
      'another endpoint of the project',
      { endpoints: ['42'], projects: ['p'] },
      { model, endpoint: '43', project: 'p' },
      false,
    ],
    ['both', { endpoints: ['42'], projects: ['p'] }, { model, endpoint: '42', project: 'p' }, true],
    ['a model, but of another project', { models: ['m'], projects: ['p'] }, { model, project: 'q' }, false],
    [
      'a named endpoint, whatever model it has',
      { models: ['x'], endpoints: ['42'] },
      { model, endpoint: '42' },
      true,
    ],
  ])('%s', (_what, policy, wanted, expected) => {
    expect(isAllowed(policy, wanted)).toBe(expected);
  });
});

describe('a list', () => {
  const wanted: Wanted = { model: 'm', project: 'p' };
  const atEndpoint: Wanted = { ...wanted, endpoint: '42' };

  it.each([undefined, {}, { limits: { requestsPerMinute: 1 } }])(
    'that is absent allows everything: %j',
    (policy) => {
      for (const what of [wanted, atEndpoint, { model: '' }]) expect(isAllowed(policy, what)).toBe(true);
    },
  );

  it.each<[CallerPolicy, Wanted]>([
    [{ models: [] }, wanted],
    [{ endpoints: [] }, atEndpoint],
    [{ projects: [] }, wanted],
    [{ projects: [] }, { model: 'm' }],
  ])('that is empty allows nothing: %j', (policy, what) => {
    expect(isAllowed(policy, what)).toBe(false);
  });
});

describe('a refusal', () => {
  it.each<[CallerPolicy, Wanted, string, string | null]>([
    [{ models: [] }, { model: 'm' }, 'key:abc may not use the model "m".', 'model'],
    [{ endpoints: [] }, { model: 'm', endpoint: '42' }, 'key:abc may not use the endpoint 42.', null],
    [{ projects: [] }, { model: 'm', project: 'p' }, 'key:abc may not use the project p.', null],
    [{ projects: [] }, { model: 'm' }, 'key:abc may not use a path without a project.', null],
  ])('by %j says who may not use what', (policy, wanted, message, param) => {
    const refusal = refusalOf(policy, wanted);
    expect(refusal).toMatchObject({
      status: 403,
      code: 'permission_denied',
      message: `${message} Ask who runs this server for it.`,
    });
    expect(refusal?.param).toBe(param);
  });

  it('repeats no more of a name than a name can be', () => {
    expect(refusalOf({ models: [] }, { model: 'm'.repeat(100_000) })?.message.length).toBeLessThan(400);
  });
});

describe('models at endpoints', () => {
  it.each<[string, CallerPolicy, Wanted, boolean]>([
    ['no endpoints named, an allowed model', { models: ['m'] }, { model: 'm', endpoint: '42' }, true],
    ['no endpoints named, another model', { models: ['m'] }, { model: 'n', endpoint: '42' }, false],
    ['no endpoints named, no model', { models: ['m'] }, { model: '', endpoint: '42' }, false],
    ['the endpoint named', { models: ['m'], endpoints: ['42'] }, { model: 'n', endpoint: '42' }, true],
    ['another endpoint named', { models: ['m'], endpoints: ['41'] }, { model: 'm', endpoint: '42' }, false],
  ])('%s', (_name, policy, wanted, expected) => {
    expect(isAllowed(policy, wanted)).toBe(expected);
  });
});
