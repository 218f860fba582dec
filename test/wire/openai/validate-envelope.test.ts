import { describe, expect, it } from 'vitest';
import { validateEnvelope } from '../../../src/wire/openai/validate-envelope.ts';

const messages = [{ role: 'user', content: 'Hi' }];
const problemsOf = (body: unknown, modelRequired = true) =>
  validateEnvelope(body, { modelRequired }).map(({ param, code, message }) => `${param} ${code}: ${message}`);

describe('validateEnvelope', () => {
  it.each<unknown>([
    { model: 'm', messages },
    { model: 'm', messages: [] },
    { model: 'm'.repeat(256), messages },
    { model: 'm', messages, stream: true },
    { model: 'm', messages, stream: null },
    // Everything else is for the server to judge.
    { model: 'm', messages: ['x', null], n: -1, tools: 'none', temperature: 'hot', unknown: {} },
  ])('has nothing to say of %j', (body) => {
    expect(problemsOf(body)).toEqual([]);
  });

  it.each<[body: unknown, problems: string[]]>([
    [[], ['null invalid_argument: The request body must be a JSON object, not an empty array.']],
    [null, ['null invalid_argument: The request body must be a JSON object, not null.']],
    [
      'x',
      [expect.stringMatching(/^null invalid_argument: The request body must be a JSON object/) as string],
    ],
    [{ messages }, [expect.stringMatching(/^model missing_required_parameter: /) as string]],
    [{ model: '', messages }, [expect.stringMatching(/^model /) as string]],
    [{ model: null, messages }, [expect.stringMatching(/^model missing_required_parameter: /) as string]],
    [{ model: 7, messages }, [expect.stringMatching(/^model invalid_argument: /) as string]],
    [{ model: 'm'.repeat(257), messages }, [expect.stringMatching(/^model invalid_argument: /) as string]],
    [{ model: 'm' }, [expect.stringMatching(/^messages missing_required_parameter: /) as string]],
    [
      { model: 'm', messages: null },
      [expect.stringMatching(/^messages missing_required_parameter: /) as string],
    ],
    [
      { model: 'm', messages: 'Hi' },
      [expect.stringMatching(/^messages invalid_argument: must be an array/) as string],
    ],
    [{ model: 'm', messages, stream: 1 }, [expect.stringMatching(/^stream invalid_argument: /) as string]],
    [
      { stream: 'yes' },
      [
        expect.stringMatching(/^model missing/) as string,
        expect.stringMatching(/^messages missing/) as string,
        expect.stringMatching(/^stream invalid/) as string,
      ],
    ],
  ])('of %j names every problem', (body, problems) => {
    const found = problemsOf(body);
    expect(found).toHaveLength(problems.length);
    expect(found).toEqual(expect.arrayContaining(problems));
  });

  it.each([{ messages }, { model: null, messages }, { model: '', messages }])(
    'needs no model on an endpoint: %j',
    (body) => {
      expect(problemsOf(body, false)).toEqual([]);
    },
  );
});
