import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TokenLogprob } from '../../../src/wire/openai/response.ts';
import { DefaultVocabulary } from './default-vocabulary.ts';
import { type Fields, LocalModel } from './local-model.ts';

let model: LocalModel;
let vocabulary: DefaultVocabulary;

beforeAll(async () => {
  [model, vocabulary] = await Promise.all([LocalModel.start(), DefaultVocabulary.load()]);
});

afterAll(async () => {
  await model.close();
});

interface Penalties {
  bias: number;
  presence: number;
  frequency: number;
}

const STORY: Fields = { ask: 'Tell me a story about a dog.', max_tokens: 16 };
const SEEDED: Fields = { ...STORY, temperature: 1, seed: 7 };
const GREEDY: Fields = { ...STORY, temperature: 0 };

/** Text and re-used prompt tokens of an answer. */
async function answerAndCache(fields: Fields): Promise<{ text: string | null | undefined; cached: number }> {
  const { choices, usage } = await model.complete(fields);
  return { text: choices[0]?.message.content, cached: usage.prompt_tokens_details?.cached_tokens ?? 0 };
}

/** Fills both slots with something that begins otherwise than any other prompt here. */
async function fillSlots(): Promise<void> {
  const requests = ['a', 'b'].map((content): Fields => ({
    messages: [
      { role: 'system', content },
      { role: 'user', content },
    ],
    max_tokens: 1,
  }));
  await Promise.all(requests.map((fields) => model.text(fields)));
}

function meanLogprob(tokens: readonly TokenLogprob[]): number {
  return tokens.reduce((sum, { logprob }) => sum + logprob, 0) / tokens.length;
}

function bytesToText(tokens: readonly TokenLogprob[]): string {
  return new TextDecoder().decode(Uint8Array.from(tokens.flatMap(({ bytes }) => bytes)));
}

describe('seed', () => {
  let expected: string;

  beforeAll(async () => {
    expected = await model.text(SEEDED);
  });

  it.each([0, -1, Number.MAX_SAFE_INTEGER])('%d gives the same text again', async (seed) => {
    const first = await model.text({ ...SEEDED, seed });
    expect(await model.text({ ...SEEDED, seed })).toBe(first);
  });

  it('gives different texts for different seeds', async () => {
    const texts = new Set<string>();
    for (const seed of [1, 2, 3]) texts.add(await model.text({ ...SEEDED, seed }));
    expect(texts.size).toBe(3);
  });

  it('gives the same text beside another request, long or short', async () => {
    const other: Fields = { ask: 'List colours. '.repeat(20), temperature: 1, max_tokens: 20 };
    const [text, second] = await Promise.all([model.text(SEEDED), model.text(SEEDED), model.text(other)]);
    expect(text).toBe(expected);
    expect(second).toBe(expected);
  });

  it('gives the same text with and without re-use of an earlier prompt', async () => {
    await fillSlots();
    const fresh = await answerAndCache(SEEDED);
    const reused = await answerAndCache(SEEDED);
    expect(fresh.cached).toBeLessThan(5);
    expect(reused.cached).toBeGreaterThan(20);
    expect([fresh.text, reused.text]).toEqual([expected, expected]);
  });

  it('gives the same text with log probabilities', async () => {
    expect(await model.text({ ...SEEDED, logprobs: true, top_logprobs: 20 })).toBe(expected);
  });

  it('gives the same text streamed', async () => {
    const chunks = await model.chunks(SEEDED);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(expected);
  });

  it('gives the same text after the engine was replaced', async () => {
    process.kill(model.backend.enginePid ?? 0, 'SIGKILL');
    expect(await model.text(SEEDED)).toBe(expected);
  });
});

describe('temperature, top_p and top_k', () => {
  it.each<[name: string, fields: Fields]>([
    ['temperature 0, whatever the seed', { temperature: 0, seed: 3 }],
    ['top_k 1', { temperature: 2, top_k: 1, seed: 4 }],
    ['google.top_k 1', { temperature: 2, google: { top_k: 1 }, seed: 5 }],
    ['top_p 0', { temperature: 2, top_p: 0, seed: 6 }],
  ])('%s takes the likeliest token each time', async (_, fields) => {
    const tokens = await model.logprobs({ ...STORY, ...fields, top_logprobs: 1 });
    expect(tokens).toHaveLength(16);
    for (const { token, top_logprobs: top } of tokens) expect(token).toBe(top[0]?.token);
  });

  it.each<[name: string, fields: Fields, most: number]>([
    ['top_k 3 takes one of three', { top_k: 3 }, 3],
    ['top_k 2 with top_p 1', { top_k: 2, top_p: 1 }, 2],
  ])('%s', async (_, fields, most) => {
    const tokens = await model.logprobs({ ...STORY, temperature: 2, seed: 1, top_logprobs: most, ...fields });
    for (const { token, top_logprobs: top } of tokens) expect(top.map((one) => one.token)).toContain(token);
  });

  it('top_p keeps to the likeliest tokens that make up that share', async () => {
    const tokens = await model.logprobs({
      ...STORY,
      temperature: 1,
      top_k: 40,
      top_p: 0.3,
      seed: 1,
      top_logprobs: 20,
    });
    for (const { logprob, top_logprobs: top } of tokens) {
      const likelier = top.filter((one) => one.logprob > logprob + 1e-4);
      expect(likelier.reduce((sum, one) => sum + Math.exp(one.logprob), 0)).toBeLessThan(0.301);
    }
  });

  it('a high temperature strays further than a low one', async () => {
    const cool = meanLogprob(await model.logprobs({ ...STORY, temperature: 0.2, seed: 2 }));
    const hot = meanLogprob(await model.logprobs({ ...STORY, temperature: 2, seed: 2 }));
    expect(hot).toBeLessThan(cool);
  });
});

describe('logit_bias', () => {
  it('is added to the logits, no more and no less', async () => {
    const [first] = await model.logprobs({ ...GREEDY, top_logprobs: 2, max_tokens: 1 });
    const [best, second] = first?.top_logprobs ?? [];
    const gap = (best?.logprob ?? 0) - (second?.logprob ?? 0);
    const rival = vocabulary.tokenOf(second?.token ?? '');
    const winner = (bias: number): Promise<string> =>
      model.text({ ...GREEDY, max_tokens: 1, logit_bias: { [rival]: bias } });
    expect(await winner(gap - 0.05)).toBe(best?.token);
    expect(await winner(gap + 0.05)).toBe(second?.token);
  });

  it('of -100 bans a token and of 100 makes it the only one', async () => {
    const dog = vocabulary.tokenOf(' dog');
    const plain = await model.text({ ...GREEDY, max_tokens: 24 });
    expect(plain).toContain(' dog');
    expect(await model.text({ ...GREEDY, max_tokens: 24, logit_bias: { [dog]: -100 } })).not.toMatch(
      / dog\b(?!\w)/,
    );
    expect(await model.text({ ...STORY, temperature: 1, max_tokens: 4, logit_bias: { [dog]: 100 } })).toBe(
      ' dog'.repeat(4),
    );
  });

  it('reaches the token that ends the answer', async () => {
    const end = vocabulary.tokenOf('<|im_end|>');
    const ended = await model.choice({ ...GREEDY, logit_bias: { [end]: 100 } });
    expect(ended).toMatchObject({ finish_reason: 'stop', message: { content: '' } });
    const short: Fields = { ask: 'Hi', temperature: 0, max_tokens: 24 };
    expect((await model.choice(short)).finish_reason).toBe('stop');
    expect((await model.choice({ ...short, logit_bias: { [end]: -100 } })).finish_reason).toBe('length');
  });

  it('yields to a grammar', async () => {
    const end = vocabulary.tokenOf('<|im_end|>');
    const schema = { const: 'yes' };
    const choice = await model.choice({
      ...GREEDY,
      logit_bias: { [end]: -100 },
      response_format: { type: 'json_schema', json_schema: { schema } },
    });
    expect(choice).toMatchObject({ finish_reason: 'stop', message: { content: '"yes"' } });
  });

  it('of a token that does not exist is refused by name', async () => {
    await expect(model.text({ ...GREEDY, logit_bias: { 49152: 1 } })).rejects.toMatchObject({
      code: 'invalid_argument',
      param: 'logit_bias',
      status: 400,
      message: expect.stringContaining('49152'),
    });
  });
});

describe('presence_penalty and frequency_penalty', () => {
  const STEPS = 6;
  let token: number;
  /** For each step after as many repetitions, how far the repeated token lies behind the best other one. */
  let gaps: number[];

  beforeAll(async () => {
    const [first] = await model.logprobs({ ...GREEDY, max_tokens: 1 });
    token = vocabulary.tokenOf(first?.token ?? '');
    const repeated = await model.logprobs({
      ...GREEDY,
      max_tokens: STEPS,
      top_logprobs: 2,
      logit_bias: { [token]: 100 },
    });
    gaps = repeated.map(({ token: text, logprob, top_logprobs: top }) => {
      if (text !== first?.token) throw new Error(`${text} instead of the token forced`);
      return Math.max(...top.filter((one) => one.token !== text).map((one) => one.logprob)) - logprob;
    });
  });

  /** How far the repeated token is ahead after `count` repetitions, by OpenAI's formula. */
  const lead = (count: number, { bias, presence, frequency }: Penalties): number =>
    bias - (gaps[count] ?? 0) - frequency * count - (count > 0 ? presence : 0);

  /** How often the token is repeated before another one wins, and by what margin each step was decided. */
  function predict(penalties: Penalties): { count: number; margin: number } {
    const leads = gaps.map((_, count) => lead(count, penalties));
    const lost = leads.findIndex((one) => one < 0);
    const count = lost === -1 ? STEPS : lost;
    return { count, margin: Math.min(...leads.slice(0, count + 1).map(Math.abs)) };
  }

  async function repetitions({ bias, presence, frequency }: Penalties): Promise<number> {
    const tokens = await model.logprobs({
      ...GREEDY,
      max_tokens: STEPS,
      logit_bias: { [token]: bias },
      presence_penalty: presence,
      frequency_penalty: frequency,
    });
    const other = tokens.findIndex((one) => one.token !== vocabulary.textOf(token));
    return other === -1 ? STEPS : other;
  }

  it.each<[presence: number, frequency: number]>([
    [2, 0],
    [0.3, 0],
    [0, 2],
    [0, 0.4],
    [1, 0.5],
    [-2, 0],
    [-0.3, 0],
    [0, -0.7],
    [1.5, -0.3],
  ])('presence %d and frequency %d change the logits as documented', async (presence, frequency) => {
    // A bias with which the penalties make a difference, every step being decided clearly.
    const biases = Array.from({ length: 1000 }, (_, index) => index * 0.05);
    const bias = biases.find((one) => {
      const without = predict({ bias: one, presence: 0, frequency: 0 });
      const having = predict({ bias: one, presence, frequency });
      return without.count !== having.count && without.margin > 0.03 && having.margin > 0.03;
    });
    if (bias === undefined) throw new Error(`no bias decides between ${gaps.join(', ')}`);
    const without = { bias, presence: 0, frequency: 0 };
    expect(await repetitions(without)).toBe(predict(without).count);
    const penalties = { bias, presence, frequency };
    expect(await repetitions(penalties)).toBe(predict(penalties).count);
  });
});

describe('stop', () => {
  let whole: string;

  beforeAll(async () => {
    whole = await model.text({ ...GREEDY, max_tokens: 24 });
  });

  it.each<[name: string, pick: (text: string) => string[]]>([
    ['the first character', (text) => [text.slice(0, 1)]],
    ['the middle of a word', (text) => [text.slice(12, 15)]],
    ['several words', (text) => [text.slice(20, 45)]],
    ['the last characters', (text) => [text.slice(-4)]],
    ['two that overlap', (text) => [text.slice(30, 40), text.slice(35, 50)]],
    ['one that never comes', () => ['\u0007']],
    ['one that almost comes', (text) => [`${text.slice(20, 40)}\u0007`]],
    ['five at once', (text) => ['\u0007', '\u0008', '\u000e', '\u000f', text.slice(40, 44)]],
  ])('at %s ends the answer in front of it, streamed or not', async (_, pick) => {
    const stop = pick(whole);
    const first = Math.min(...stop.map((one) => (whole.includes(one) ? whole.indexOf(one) : Infinity)));
    const fields: Fields = { ...GREEDY, max_tokens: 24, stop };
    const { message, finish_reason: reason } = await model.choice(fields);
    expect(message.content).toBe(whole.slice(0, first));
    expect(reason).toBe(first === Infinity ? 'length' : 'stop');
    const chunks = await model.chunks(fields);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(message.content);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe(reason);
  });

  it('takes the tokens behind it out of the log probabilities', async () => {
    const stop = whole.slice(20, 28);
    const choice = await model.choice({ ...GREEDY, max_tokens: 24, stop, logprobs: true });
    const text = (choice.logprobs?.content ?? []).map(({ token }) => token).join('');
    expect(choice.message.content).toBe(whole.slice(0, 20));
    // A token that reaches into the stop sequence is listed whole.
    expect(text.startsWith(whole.slice(0, 20))).toBe(true);
    expect(text.length).toBeLessThan(28);
  });
});

describe('n', () => {
  it('gives every choice the text its own seed gives, with more choices than slots', async () => {
    const { choices, usage } = await model.complete({ ...SEEDED, n: 3, seed: 20 });
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    for (const { index, message, finish_reason: reason } of choices) {
      expect(message.content).toBe(await model.text({ ...SEEDED, seed: 20 + index }));
      expect(reason).toBe('length');
    }
    expect(new Set(choices.map(({ message }) => message.content)).size).toBe(3);
    expect(usage.completion_tokens).toBe(48);
    expect(usage.prompt_tokens).toBe((await model.complete(SEEDED)).usage.prompt_tokens);
  });

  it('keeps the choices of a stream apart', async () => {
    const chunks = await model.chunks({ ...SEEDED, n: 2, seed: 30 });
    for (const index of [0, 1]) {
      const own = chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index));
      const text = own.map(({ delta }) => delta.content ?? '').join('');
      expect(text).toBe(await model.text({ ...SEEDED, seed: 30 + index }));
      expect(own[0]?.delta.role).toBe('assistant');
      expect(own.at(-1)?.finish_reason).toBe('length');
    }
  });
});

describe('logprobs', () => {
  it.each([0, 1, 20])('with top_logprobs %d describe every token of the content', async (count) => {
    const choice = await model.choice({ ...SEEDED, logprobs: true, top_logprobs: count });
    const tokens = choice.logprobs?.content ?? [];
    expect(tokens).toHaveLength(16);
    expect(tokens.map(({ token }) => token).join('')).toBe(choice.message.content);
    expect(bytesToText(tokens)).toBe(choice.message.content);
    for (const { token, logprob, top_logprobs: top } of tokens) {
      expect(top).toHaveLength(count);
      expect(top.map((one) => one.logprob)).toEqual(top.map((one) => one.logprob).toSorted((a, b) => b - a));
      const sum = top.reduce((total, one) => total + Math.exp(one.logprob), 0);
      expect(sum).toBeLessThan(1.0001);
      expect(logprob).toBeLessThanOrEqual(0);
      // The chosen token has the same probability wherever it stands.
      for (const one of top.filter((other) => other.token === token))
        expect(one.logprob).toBeCloseTo(logprob, 5);
    }
    // A chosen token beyond the listed ones is less likely than all of them.
    for (const { token, logprob, top_logprobs: top } of tokens) {
      const isListed = top.some((one) => one.token === token);
      expect(isListed || top.every((one) => one.logprob >= logprob)).toBe(true);
    }
  });

  it('are the probabilities of the model, before temperature and truncation', async () => {
    const [plain] = await model.logprobs({ ...GREEDY, max_tokens: 1, top_logprobs: 5 });
    const [hot] = await model.logprobs({
      ...STORY,
      temperature: 2,
      top_k: 1,
      top_p: 0.1,
      max_tokens: 1,
      top_logprobs: 5,
    });
    expect(hot).toEqual(plain);
  });

  it('of characters that are several tokens have the bytes of each', async () => {
    const text = 'né 日本 🙂👩‍👩‍👧';
    const choice = await model.choice({
      ask: 'Go.',
      temperature: 0,
      logprobs: true,
      top_logprobs: 2,
      response_format: { type: 'json_schema', json_schema: { schema: { const: text } } },
    });
    expect(choice).toMatchObject({ finish_reason: 'stop', message: { content: JSON.stringify(text) } });
    const tokens = choice.logprobs?.content ?? [];
    expect(bytesToText(tokens)).toBe(JSON.stringify(text));
    expect(tokens.length).toBeGreaterThan(10);
  });

  it('come with the text in a stream', async () => {
    const chunks = await model.chunks({ ...SEEDED, logprobs: true, top_logprobs: 1 });
    const tokens = chunks.flatMap(({ choices }) => choices[0]?.logprobs?.content ?? []);
    expect(tokens).toEqual(await model.logprobs({ ...SEEDED, top_logprobs: 1 }));
    for (const { choices } of chunks) {
      const [choice] = choices;
      const described = (choice?.logprobs?.content ?? []).map(({ token }) => token).join('');
      expect(described).toBe(choice?.delta.content ?? '');
    }
  });

  it('are absent unless asked for', async () => {
    expect((await model.choice(SEEDED)).logprobs).toBeNull();
  });
});

describe('max_tokens', () => {
  it.each<[fields: Fields, tokens: number]>([
    [{ max_tokens: 1 }, 1],
    [{ max_tokens: 5 }, 5],
    [{ max_completion_tokens: 3, max_tokens: 9 }, 3],
  ])('%j ends the answer with length after exactly that many tokens', async (fields, tokens) => {
    const { choices, usage } = await model.complete({ ...GREEDY, logprobs: true, ...fields });
    expect(choices[0]?.finish_reason).toBe('length');
    expect(choices[0]?.logprobs?.content).toHaveLength(tokens);
    expect(usage.completion_tokens).toBe(tokens);
    expect(usage.total_tokens).toBe(usage.prompt_tokens + tokens);
  });
});
