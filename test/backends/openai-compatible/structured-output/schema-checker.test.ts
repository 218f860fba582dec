import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import {
  type JsonSchema,
  SchemaChecker,
  type SchemaCheckerOptions,
} from '../../../../src/backends/openai-compatible/structured-output/schema-checker.ts';

const MODULE = '../../../../src/backends/openai-compatible/structured-output/schema-checker.ts';
const VALID = { valid: true, json: '{"a":1}' };
const PATH = 'response_format.json_schema.schema';

/** Takes a backtracking engine longer than the sun will shine. */
const HOSTILE = { pattern: '^(a+)+$' };
const HOSTILE_TEXT = `"${'a'.repeat(60)}!"`;

const open: SchemaChecker[] = [];

function checker(options?: SchemaCheckerOptions): SchemaChecker {
  const made = new SchemaChecker(options);
  open.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

/** For what does its thread no harm: a thread takes longer to start than to check. */
const shared = new SchemaChecker();
afterAll(() => shared.close());

/** Definitions that each refer to the next one twice. */
function bomb(length: number): JsonSchema {
  const definitions = Array.from({ length: length + 1 }, (_, at) => {
    const next = { $ref: `#/$defs/d${at + 1}` };
    return [`d${at}`, at === length ? { type: 'string' } : { anyOf: [next, next] }];
  });
  return { $ref: '#/$defs/d0', $defs: Object.fromEntries(definitions) as unknown };
}

function nested(depth: number): Record<string, unknown> {
  return Array.from({ length: depth }).reduce<Record<string, unknown>>(
    (inner) => ({ properties: { a: inner } }),
    {},
  );
}

const TREE: JsonSchema = {
  properties: { children: { type: 'array', items: { $ref: '#' } } },
  required: ['children'],
  additionalProperties: false,
};

/** A tree of one branch. */
function tree(depth: number, leaf: string): string {
  return `${'{"children":['.repeat(depth)}${leaf}${']}'.repeat(depth)}`;
}

describe('a check', () => {
  it('gives the verdict', async () => {
    expect(await shared.check('```json\n{"a":1}\n```', { type: 'object' })).toEqual(VALID);
    expect(await shared.check('{"a":1}', { required: ['b'] })).toMatchObject({
      valid: false,
      reason: 'mismatch',
      problems: [expect.stringContaining('"b"')],
    });
    expect(await shared.check('no', true)).toMatchObject({ valid: false, reason: 'not-json' });
  });

  it('gives each of many its own, lone surrogates and all', async () => {
    const texts = Array.from({ length: 50 }, (_, at) => `["\ud800",${at}]`);
    const verdicts = await Promise.all(
      texts.map((text, at) => shared.check(text, { prefixItems: [{}, { const: at % 2 === 0 ? at : -1 }] })),
    );
    expect(verdicts).toEqual(
      texts.map((json, at) =>
        at % 2 === 0
          ? { valid: true, json }
          : { valid: false, reason: 'mismatch', problems: ['/1: must be -1'] },
      ),
    );
  });

  it('follows references through data as deep as it goes', async () => {
    expect(await shared.check(tree(100, '{"children":[]}'), TREE)).toMatchObject({ valid: true });
    expect(await shared.check(tree(40, '{"children":5}'), TREE)).toMatchObject({ valid: false });
  });

  it('refuses what it cannot use, and says where', async () => {
    const schema = { properties: { a: { pattern: '(' } } };
    const refusal = {
      code: 'unsupported_schema',
      param: PATH,
      message: `${PATH} cannot be used: at properties.a.pattern: must be a regular expression of ECMA-262.`,
    };
    await expect(shared.check('1', schema)).rejects.toMatchObject(refusal);
    await expect(shared.assertUsable(schema)).rejects.toMatchObject(refusal);
    await expect(shared.assertUsable(TREE)).resolves.toBeUndefined();
  });

  it('does not look at an answer of millions of characters', async () => {
    const text = ' '.repeat(3_000_000);
    await expect(shared.check(text, true)).rejects.toMatchObject({ code: 'schema_mismatch' });
  });
});

describe('a hostile schema', () => {
  it.each<[name: string, schema: JsonSchema, text: string]>([
    ['a pattern that backtracks', HOSTILE, HOSTILE_TEXT],
    ['alternatives that double', bomb(60), '"a"'],
  ])('with %s is given up, and nothing else is held up', async (_, schema, text) => {
    const checks = checker();
    await checks.assertUsable(true);
    let ticks = 0;
    const clock = setInterval(() => {
      ticks += 1;
    }, 10);
    const refused = checks.check(text, schema);
    const waiting = [checks.check('{"a":1}', true), checks.check('{"a":1}', { type: 'object' })];
    await expect(refused).rejects.toMatchObject({
      code: 'unsupported_schema',
      param: PATH,
      message: expect.stringContaining('takes longer than 1000 ms'),
    });
    clearInterval(clock);
    expect(ticks).toBeGreaterThan(3);
    expect(await Promise.all(waiting)).toEqual([VALID, VALID]);
    expect(await checks.check('{"a":1}', true)).toEqual(VALID);
  });

  it.each<[name: string, schema: JsonSchema]>([
    ['5,000 levels', nested(5000)],
    ['500 levels', nested(500)],
    ['no end', { $ref: '#' }],
    ['no end in one of its alternatives', { anyOf: [true, { $ref: '#' }] }],
    ['100,000 parts', { anyOf: Array.from({ length: 100_000 }, () => ({})) }],
    ['millions of characters', { const: 'a'.repeat(3_000_000) }],
  ])('with %s is refused', async (_, schema) => {
    await expect(shared.assertUsable(schema)).rejects.toMatchObject({ code: 'unsupported_schema' });
    await expect(shared.check('{}', schema)).rejects.toMatchObject({ code: 'unsupported_schema' });
    expect(await shared.check('{"a":1}', true)).toEqual(VALID);
  });

  it('that takes too much memory is given up', async () => {
    const checks = checker({ timeLimitMs: 20_000 });
    const text = `[${'1,'.repeat(100_000)}1]`;
    const refused = checks.check(text, { contains: { const: 'a'.repeat(200_000) } });
    const waiting = checks.check('{"a":1}', true);
    await expect(refused).rejects.toMatchObject({
      code: 'unsupported_schema',
      message: expect.stringContaining('too much memory'),
    });
    expect(await waiting).toEqual(VALID);
  });
});

describe('a signal', () => {
  const reason = new Error('the client has left');

  it('takes a check away before it begins, while it waits and while it is under way', async () => {
    const checks = checker();
    await expect(checks.check('1', true, AbortSignal.abort(reason))).rejects.toBe(reason);
    await checks.assertUsable(true);
    const first = new AbortController();
    const second = new AbortController();
    const underWay = checks.check(HOSTILE_TEXT, HOSTILE, first.signal);
    const inQueue = checks.check('1', true, second.signal);
    const next = checks.check('{"a":1}', true);
    second.abort(reason);
    await expect(inQueue).rejects.toBe(reason);
    first.abort(reason);
    await expect(underWay).rejects.toBe(reason);
    expect(await next).toEqual(VALID);
  });

  it('is left alone once the check is over', async () => {
    const { signal } = new AbortController();
    const removed: string[] = [];
    signal.removeEventListener = (type: string): void => void removed.push(type);
    expect(await shared.check('{"a":1}', true, signal)).toEqual(VALID);
    expect(removed).toEqual(['abort']);
  });
});

describe('the queue', () => {
  it('has an end', async () => {
    const checks = checker({ queueSize: 2 });
    const taken = [1, 2, 3].map(() => checks.check('{"a":1}', true));
    await expect(checks.check('1', true)).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 });
    expect(await Promise.all(taken)).toEqual([VALID, VALID, VALID]);
    expect(await checks.check('{"a":1}', true)).toEqual(VALID);
  });

  it('fails when the checker is closed, whatever is in it', async () => {
    const checks = checker();
    await checks.assertUsable(true);
    const pending = [checks.check(HOSTILE_TEXT, HOSTILE), checks.check('1', true)];
    const ends = Promise.allSettled(pending);
    await checks.close();
    await checks.close();
    const closed = { code: 'overloaded', message: 'The server is shutting down.' };
    expect(await ends).toMatchObject([
      { status: 'rejected', reason: closed },
      { status: 'rejected', reason: closed },
    ]);
    await expect(checks.check('1', true)).rejects.toMatchObject(closed);
  });

  it('fails when the checker is closed while its thread starts', async () => {
    const checks = checker();
    const ends = Promise.allSettled([checks.check('1', true)]);
    await checks.close();
    expect(await ends).toMatchObject([{ status: 'rejected', reason: { code: 'overloaded' } }]);
  });

  it('may be closed before any check', async () => {
    await expect(checker().close()).resolves.toBeUndefined();
  });
});

describe('the thread', () => {
  const folder = mkdtemp(join(tmpdir(), 'parlance-check-'));
  afterAll(async () => {
    await rm(await folder, { recursive: true });
  });

  async function script(name: string, onOrder: string): Promise<string> {
    const file = join(await folder, `${name}.mjs`);
    await writeFile(
      file,
      `import { parentPort } from 'node:worker_threads';
       parentPort.on('message', (order) => { ${onOrder} });
       parentPort.postMessage({ kind: 'ready' });`,
    );
    return file;
  }

  it.each([
    ['throws', 'throw new Error("secret")'],
    ['ends', 'process.exit(0)'],
    ['finds itself at fault', 'parentPort.postMessage({ kind: "failed", message: "secret" })'],
  ])('that %s fails the check, and the next one too, without a word of why', async (name, onOrder) => {
    const checks = checker({ entry: await script(name.replaceAll(' ', '-'), onOrder) });
    for (const text of ['1', '2']) {
      const failure = checks.check(text, true);
      await expect(failure).rejects.toMatchObject({ code: 'internal_error' });
      await expect(failure).rejects.not.toThrow('secret');
    }
  });

  it('that does not exist fails the check', async () => {
    const checks = checker({ entry: join(await folder, 'missing.mjs') });
    await expect(checks.check('1', true)).rejects.toMatchObject({ code: 'internal_error' });
  });

  it('does not keep the process alive', async () => {
    const program = `
      const { SchemaChecker } = await import(${JSON.stringify(new URL(MODULE, import.meta.url).href)});
      console.log(JSON.stringify(await new SchemaChecker().check('{"a":1}', true)));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
    expect(JSON.parse(stdout)).toEqual(VALID);
  });

  it('has nothing of the environment', async () => {
    const onOrder = `parentPort.postMessage({
      kind: 'verdict',
      verdict: { valid: false, reason: 'mismatch', problems: Object.keys(process.env) },
    })`;
    const checks = checker({ entry: await script('environment', onOrder) });
    expect(await checks.check('1', true)).toMatchObject({ problems: [] });
  });
});
