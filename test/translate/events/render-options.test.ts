import { describe, expect, it } from 'vitest';
import { type ThoughtRequest, renderThoughts } from '../../../src/translate/events/render-options.ts';

const content = (tag?: string): object => ({
  inContent: true,
  inReasoningContent: false,
  ...(tag === undefined ? {} : { tag }),
});
const reasoning = { inContent: false, inReasoningContent: true };

describe('renderThoughts (contract 4.3)', () => {
  it.each<[string, Omit<ThoughtRequest, 'jsonOutput'>, object]>([
    ['vertex: no tag', { family: 'vertex' }, content()],
    ['vertex with a marker', { family: 'vertex', marker: 'think' }, content('think')],
    ['devapi: tag thought', { family: 'devapi' }, content('thought')],
    ['devapi with a marker', { family: 'devapi', marker: 'x' }, content('x')],
    ['plain: reasoning_content', { family: 'plain' }, reasoning],
    ['plain with a marker gets tags all the same', { family: 'plain', marker: 'm' }, content('m')],
    [
      'configured: both',
      { family: 'devapi', delivery: 'both' },
      { inContent: true, inReasoningContent: true, tag: 'thought' },
    ],
    [
      'configured: both, with a marker',
      { family: 'vertex', delivery: 'both', marker: 'm' },
      { inContent: true, inReasoningContent: true, tag: 'm' },
    ],
    [
      'configured: reasoning_content on vertex',
      { family: 'vertex', delivery: 'reasoning_content' },
      reasoning,
    ],
    ['configured: google on plain', { family: 'plain', delivery: 'google' }, content()],
  ])('%s', (_, request, expected) => {
    expect(renderThoughts({ asked: true, ...request, jsonOutput: false })).toEqual(expected);
    expect(renderThoughts({ asked: true, ...request, jsonOutput: true })).toEqual(reasoning);
  });

  it.each<[string, Omit<ThoughtRequest, 'jsonOutput'>, object]>([
    [
      'unasked on vertex: none, as Google',
      { family: 'vertex' },
      { inContent: false, inReasoningContent: false },
    ],
    ['unasked on devapi: none', { family: 'devapi' }, { inContent: false, inReasoningContent: false }],
    ['unasked on plain: reasoning_content', { family: 'plain' }, reasoning],
    ['unasked with a marker: tags', { family: 'vertex', marker: 'm' }, content('m')],
    [
      'refused',
      { family: 'plain', asked: false, marker: 'm' },
      { inContent: false, inReasoningContent: false },
    ],
  ])('%s', (_, request, expected) => {
    expect(renderThoughts({ ...request, jsonOutput: false })).toEqual(expected);
  });
});
