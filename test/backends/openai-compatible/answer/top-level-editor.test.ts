import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  TopLevelEditor,
  type TopLevelEditorOptions,
} from '../../../../src/backends/openai-compatible/answer/top-level-editor.ts';
import { anyJson, anyObject, spelledJson } from '../../../wire/json-text/spaced-json.ts';
import { inPieces, piecesOf } from '../../../wire/sse/pieces.ts';
import { membersOf, startOfValue } from '../../../../src/wire/json-text/json-spans.ts';

const OPTIONS: TopLevelEditorOptions = { replace: { model: '"größe"' }, keep: ['usage'] };

interface Edited {
  readonly text: string;
  readonly kept: string | undefined;
  readonly isComplete: boolean;
}

function edit(pieces: string | readonly Uint8Array[], options: TopLevelEditorOptions = OPTIONS): Edited {
  const editor = new TopLevelEditor(options);
  const sent = (typeof pieces === 'string' ? [Buffer.from(pieces)] : pieces).map((piece) =>
    editor.push(Buffer.from(piece)),
  );
  return {
    text: Buffer.concat(sent).toString('utf8'),
    kept: editor.kept('usage'),
    isComplete: editor.isComplete,
  };
}

/** The reference: every member `model` of the first level whose value is a string gets another one. */
function renamed(text: string): string {
  let shown = '';
  let done = 0;
  for (const { name, valueStart, valueEnd } of membersOf(text, startOfValue(text))) {
    if (name !== 'model' || text.charAt(valueStart) !== '"') continue;
    shown += `${text.slice(done, valueStart)}"größe"`;
    done = valueEnd;
  }
  return shown + text.slice(done);
}

describe('TopLevelEditor', () => {
  it.each<{ text: string; expected: string; kept?: string }>([
    { text: '{"model":"a"}', expected: '{"model":"größe"}' },
    { text: ' {\n"model" :\t"a" ,"b":1}\n', expected: ' {\n"model" :\t"größe" ,"b":1}\n' },
    { text: '{"model":""}', expected: '{"model":"größe"}' },
    { text: String.raw`{"model":"a\"\\"}`, expected: '{"model":"größe"}' },
    { text: String.raw`{"m\u006fdel":"a"}`, expected: String.raw`{"m\u006fdel":"größe"}` },
    { text: '{"model":"a","model":"b"}', expected: '{"model":"größe","model":"größe"}' },
    { text: '{"model":null}', expected: '{"model":null}' },
    { text: '{"model":7,"b":"c"}', expected: '{"model":7,"b":"c"}' },
    { text: '{"model":{"model":"a"},"b":"c"}', expected: '{"model":{"model":"a"},"b":"c"}' },
    { text: '{"model":["a"],"b":"model"}', expected: '{"model":["a"],"b":"model"}' },
    { text: '{"b":"model","c":"d"}', expected: '{"b":"model","c":"d"}' },
    { text: '{"b":{"model":"a"},"model":"c"}', expected: '{"b":{"model":"a"},"model":"größe"}' },
    {
      text: '{"b":"\\"model\\":\\"a\\"","model":"c"}',
      expected: '{"b":"\\"model\\":\\"a\\"","model":"größe"}',
    },
    { text: '{"b":"\\\\","model":"c"}', expected: '{"b":"\\\\","model":"größe"}' },
    { text: '{"a}":[{"]":1}],"model":"c"}', expected: '{"a}":[{"]":1}],"model":"größe"}' },
    { text: '{"constructor":"a","toString":"b","__proto__":"c","":"d"}', expected: '' },
    {
      text: '{"usage":{"a":[1,"}"]},"model":"b"}',
      expected: '{"usage":{"a":[1,"}"]},"model":"größe"}',
      kept: '{"a":[1,"}"]}',
    },
    { text: '{"b":{"usage":1},"usage" : null }', expected: '', kept: ' null ' },
    { text: '{"usage":1,"usage":"2"}', expected: '', kept: '"2"' },
    { text: '{}', expected: '' },
    { text: '["model","a",{"model":"b"}]', expected: '' },
    { text: '"model"', expected: '' },
  ])('$text', ({ text, expected, kept }) => {
    const wanted = { text: expected === '' ? text : expected, kept, isComplete: text !== '"model"' };
    expect(edit(text)).toEqual(wanted);
    for (let cut = 0; cut <= Buffer.byteLength(text); cut++) {
      expect(edit(piecesOf(Buffer.from(text), [cut]))).toEqual(wanted);
    }
    expect(edit(inPieces(Buffer.from(text), 1))).toEqual(wanted);
  });

  it('is complete when the object is closed, and not before', () => {
    const text = '{"a":{"b":["}]"]},"c":"}"}';
    const bytes = Buffer.from(text);
    for (let length = 0; length < bytes.length; length++) {
      expect(edit([bytes.subarray(0, length)]).isComplete).toBe(false);
    }
    expect(edit(text).isComplete).toBe(true);
    expect(edit(`${text} \n`).isComplete).toBe(true);
  });

  it('gives bytes on as they are where nothing has to change', () => {
    const editor = new TopLevelEditor(OPTIONS);
    const bytes = Buffer.from('{"a":"b"');
    const sent = editor.push(bytes);
    expect(sent.buffer).toBe(bytes.buffer);
    expect(sent.toString()).toBe('{"a":"b"');
  });

  it('changes nothing but the model in any object, wherever it is cut', () => {
    const object = fc
      .tuple(anyObject, fc.option(fc.string({ unit: 'binary', maxLength: 8 }), { nil: undefined }), anyJson)
      .map(([others, model, usage]) =>
        Object.assign(others, { usage }, model === undefined ? {} : { model }),
      );
    const property = fc.property(
      spelledJson<Record<string, unknown>>(object),
      fc.array(fc.nat(400), { maxLength: 8 }),
      ({ text, value }, cuts) => {
        const edited = edit(piecesOf(Buffer.from(text), cuts));
        expect(edited.text).toBe(renamed(text));
        expect(edited.isComplete).toBe(true);
        expect(JSON.parse(edited.kept ?? 'null')).toEqual(value['usage']);
        const shown = JSON.parse(edited.text) as Record<string, unknown>;
        expect(shown).toEqual(typeof value['model'] === 'string' ? { ...value, model: 'größe' } : value);
      },
    );
    expect(() => fc.assert(property, { numRuns: 500 })).not.toThrow();
  });

  it('passes anything on where it has nothing to replace', () => {
    const property = fc.property(fc.json(), fc.array(fc.nat(200), { maxLength: 5 }), (text, cuts) => {
      expect(edit(piecesOf(Buffer.from(text), cuts), { replace: {}, keep: [] }).text).toBe(text);
    });
    expect(() => fc.assert(property)).not.toThrow();
  });

  it('remembers no value that is too long, and goes on behind it', () => {
    const long = JSON.stringify('x'.repeat(70_000));
    const text = `{"usage":${long},"${'n'.repeat(70_000)}":1,"model":"a"}`;
    const edited = edit(inPieces(Buffer.from(text), 1000));
    expect(edited).toEqual({ text: text.replace('"a"', '"größe"'), kept: undefined, isComplete: true });
    expect(edit(`{"usage":1,"usage":${long}}`).kept).toBeUndefined();
    expect(edit(`{"usage":${long},"usage":2}`).kept).toBe('2');
  });
});

describe('TopLevelEditor, work', () => {
  it.each([
    { name: 'plain', text: 'x'.repeat(200_000) },
    { name: 'full of escapes', text: 'x\n"\\'.repeat(50_000) },
    { name: 'with escapes and no quote', text: 'xxxx\n'.repeat(40_000) },
    { name: 'with quotes and nothing else', text: '"'.repeat(100_000) },
  ])('on a huge string, $name, grows with its length', ({ text }) => {
    const bytes = Buffer.from(JSON.stringify({ content: text, model: 'a' }));
    let searched = 0;
    const editor = new TopLevelEditor(OPTIONS);
    const sent = inPieces(bytes, 65_536).map((piece) => {
      const chunk = Buffer.from(piece);
      const indexOf = chunk.indexOf.bind(chunk);
      chunk.indexOf = (value: string | number | Uint8Array, from = 0, encoding?: BufferEncoding) => {
        const found = indexOf(value, Number(from), encoding);
        searched += (found === -1 ? chunk.length : found) - Number(from) + 1;
        return found;
      };
      return editor.push(chunk);
    });
    expect(JSON.parse(Buffer.concat(sent).toString())).toEqual({ content: text, model: 'größe' });
    // Each byte once for the quote and once for the backslash.
    expect(searched).toBeLessThan(2.5 * bytes.length);
  });
});
