import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  EngineModel,
  GenerationPlan,
  Sampling,
} from '../../../../src/backends/embedded/engine/protocol.ts';
import { EngineSupervisor } from '../../../../src/backends/embedded/engine-supervisor.ts';
import { DefaultVocabulary } from '../default-vocabulary.ts';
import { defaultModelPath } from '../local-model.ts';

let supervisor: EngineSupervisor;
let vocabulary: DefaultVocabulary;

beforeAll(async () => {
  vocabulary = await DefaultVocabulary.load();
  const modelPath = await defaultModelPath();
  await new Promise<EngineModel>((onLoaded) => {
    supervisor = new EngineSupervisor<EngineModel>({
      engine: { modelPath, slots: 1, contextSize: 256, threads: 1, gpu: false },
      queueSize: 8,
      log: { info: () => {}, warn: () => {}, debug: () => {} },
      onLoaded,
    });
    supervisor.start();
  });
});

afterAll(async () => {
  await supervisor.close();
});

const GREEDY: Sampling = {
  temperature: 0,
  topP: 1,
  topK: 0,
  seed: 0,
  presencePenalty: 0,
  frequencyPenalty: 0,
  logitBias: [],
};

const PROMPT = '<|im_start|>user\nTell me a story about a dog.<|im_end|>\n<|im_start|>assistant\n';

interface Written {
  text: string;
  reason: string;
  promptTokens: number;
  generatedTokens: number;
  thoughtTokens: number;
}

async function write(fields: Partial<GenerationPlan> = {}): Promise<Written> {
  const [stream] = supervisor.generate([
    { prompt: [{ text: PROMPT, trusted: true }], stop: [], maxTokens: 24, sampling: GREEDY, ...fields },
  ]);
  const written: Written = { text: '', reason: '', promptTokens: 0, generatedTokens: 0, thoughtTokens: 0 };
  for await (const event of stream ?? []) {
    if (event.type === 'started') written.promptTokens = event.promptTokens;
    else if (event.type === 'tokens') written.text += event.tokens.map(({ text }) => text).join('');
    else {
      const { reason, generatedTokens, thoughtTokens } = event;
      Object.assign(written, { reason, generatedTokens, thoughtTokens });
    }
  }
  return written;
}

const THOUGHTS = { startTag: '<think>', endTag: '</think>', isOpen: true };

describe('a prompt in pieces', () => {
  it('is read as the tokens of its pieces, control tokens only where they are trusted', async () => {
    const spelled = '<|im_end|>';
    const { promptTokens } = await write({
      prompt: [
        { text: '<|im_start|>user\nA', trusted: true },
        { text: spelled, trusted: false },
        { text: ' b<|im_end|>\n', trusted: true },
      ],
      maxTokens: 1,
    });
    const expected = [
      ...vocabulary.tokensOf('<|im_start|>user\nA'),
      ...vocabulary.tokensOfText(spelled),
      ...vocabulary.tokensOf(' b<|im_end|>\n'),
    ];
    expect(vocabulary.tokensOfText(spelled).length).toBeGreaterThan(3);
    expect(promptTokens).toBe(expected.length);
  });
});

describe('a grammar with a trigger', () => {
  let story: string;

  beforeAll(async () => {
    story = (await write()).text;
  });

  it.each([5, 8, 12, 14, 17])('takes over right behind the trigger, after %d characters', async (length) => {
    const { text, reason } = await write({
      grammar: { text: 'root ::= "[" [0-9] [0-9] "]"', after: story.slice(0, length) },
    });
    expect(text.slice(0, length)).toBe(story.slice(0, length));
    expect(text.slice(length)).toMatch(/^\[\d\d\]$/);
    expect(reason).toBe('stop');
  });

  it('has no part in an answer that never comes to the trigger', async () => {
    const { text } = await write({ grammar: { text: 'root ::= "x"', after: '<tool_call>' } });
    expect(text).toBe(story);
  });

  it('does not count what the model only thinks', async () => {
    const { text } = await write({
      thoughts: THOUGHTS,
      grammar: { text: 'root ::= "x"', after: story.slice(0, 8) },
    });
    expect(text).toBe(story);
  });

  it('waits for the end of the reasoning', async () => {
    const { text, reason } = await write({
      thoughts: { ...THOUGHTS, budget: 4 },
      grammar: { text: 'root ::= [ \\n]{0,3} "[" [0-9] "]"', after: '</think>' },
    });
    expect(text).toMatch(/<\/think>\s*\[\d\]$/);
    expect(reason).toBe('stop');
  });

  it('counts the same tokens it reports', async () => {
    const { text, generatedTokens } = await write({
      grammar: { text: 'root ::= "[7]"', after: story.slice(0, 14) },
    });
    expect(text).toBe(`${story.slice(0, 14)}[7]`);
    expect(generatedTokens).toBeGreaterThanOrEqual(4);
    expect(generatedTokens).toBeLessThan(12);
  });
});

describe('a thinking budget', () => {
  it.each([1, 4])('of %d tokens closes the reasoning, and the answer follows', async (budget) => {
    const { text, thoughtTokens, generatedTokens } = await write({ thoughts: { ...THOUGHTS, budget } });
    const [thought = '', answer = ''] = text.split('</think>');
    const closing = vocabulary.tokensOf('\n</think>').length;
    expect(vocabulary.tokensOf(thought.trimEnd()).length).toBeLessThanOrEqual(budget);
    expect(answer.trim()).toMatch(/\w/);
    expect(thoughtTokens).toBeGreaterThanOrEqual(budget + 1);
    expect(thoughtTokens).toBeLessThanOrEqual(budget + closing);
    expect(generatedTokens).toBe(24);
  });

  it.each([2, 3, 4, 5])('does not lengthen an answer of at most %d tokens', async (maxTokens) => {
    const { generatedTokens, reason } = await write({ thoughts: { ...THOUGHTS, budget: 2 }, maxTokens });
    expect(generatedTokens).toBe(maxTokens);
    expect(reason).toBe('length');
  });

  it('leaves reasoning alone that stays within it', async () => {
    const plain = await write({ thoughts: THOUGHTS });
    const bounded = await write({ thoughts: { ...THOUGHTS, budget: 100 } });
    expect(bounded).toEqual(plain);
    expect(plain.thoughtTokens).toBe(24);
  });
});

describe('the context', () => {
  it('ends an answer with length when it is full, and nothing is shifted out', async () => {
    const filler = ' word'.repeat(225);
    const prompt = `<|im_start|>user\n${filler}<|im_end|>\n<|im_start|>assistant\n`;
    const end = vocabulary.tokenOf('<|im_end|>');
    const { promptTokens, generatedTokens, reason } = await write({
      prompt: [{ text: prompt, trusted: true }],
      maxTokens: 1000,
      sampling: { ...GREEDY, logitBias: [[end, -100]] },
    });
    expect(promptTokens).toBe(vocabulary.tokensOf(prompt).length);
    expect(promptTokens + generatedTokens).toBe(255);
    expect(reason).toBe('length');
  });
});
