import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/errors.ts';
import { ChatRequestBody } from '../../../src/wire/openai/request-body.ts';
import { readJsonText } from '../../../src/wire/validation/parse-json-body.ts';

const bodyOf = (text: string) => new ChatRequestBody(readJsonText(text));
const GOOD = '{"model":"m", "messages":[{"role":"user","content":"Hi"}],"seed":1.0}';

describe('ChatRequestBody', () => {
  it('keeps text and value', () => {
    const body = bodyOf(GOOD);
    expect([body.text, body.value]).toEqual([GOOD, JSON.parse(GOOD)]);
  });

  it('gives its text up, and keeps its value', () => {
    const body = bodyOf(GOOD);
    body.forgetText();
    expect(() => body.text).toThrow('given up');
    expect(body.request().messages).toHaveLength(1);
  });

  it('is checked once, and cannot be changed', () => {
    const body = bodyOf(GOOD);
    const request = body.request({ modelRequired: true });
    expect(body.request()).toBe(request);
    expect(Object.isFrozen(request)).toBe(true);
  });

  it('is checked when it is asked for only', () => {
    const body = bodyOf('{"messages":"Hi"}');
    expect(body.text).toBe('{"messages":"Hi"}');
    const check = (modelRequired: boolean) => () => body.request({ modelRequired });
    expect(check(true)).toThrow(GatewayError);
    expect(check(true)).toThrow(
      expect.objectContaining({
        problems: [{ param: 'model' }, { param: 'messages' }].map((problem) =>
          expect.objectContaining(problem),
        ),
      }),
    );
    expect(check(false)).toThrow(expect.objectContaining({ param: 'messages' }));
  });
});
