import { describe, expect, it } from 'vitest';
import { refusal, type TestTarget, translate } from './translate.ts';

const tools = ['a', 'b'].map((name) => ({ type: 'function', function: { name } }));
const custom = { type: 'custom', custom: { name: 'c' } };

const configOf = (fields: object, target?: TestTarget): unknown => translate(fields, target).body.toolConfig;
const calling = (config: object): object => ({ functionCallingConfig: config });

const allowed = (mode: string, ...chosen: object[]): object => ({
  type: 'allowed_tools',
  allowed_tools: { mode, tools: chosen },
});
const named = (name: string): object => ({ type: 'function', function: { name } });

describe('tool_choice', () => {
  it.each<[choice: unknown, config: object | undefined]>([
    [undefined, undefined],
    [null, undefined],
    ['auto', calling({ mode: 'AUTO' })],
    ['none', calling({ mode: 'NONE' })],
    ['required', calling({ mode: 'ANY' })],
    ['validated', calling({ mode: 'VALIDATED' })],
    [named('a'), calling({ mode: 'ANY', allowedFunctionNames: ['a'] })],
    [{ type: 'function', name: 'b' }, calling({ mode: 'ANY', allowedFunctionNames: ['b'] })],
    [custom, calling({ mode: 'ANY', allowedFunctionNames: ['c'] })],
    [allowed('required', named('a'), custom), calling({ mode: 'ANY', allowedFunctionNames: ['a', 'c'] })],
    [allowed('auto', named('a')), calling({ mode: 'VALIDATED', allowedFunctionNames: ['a'] })],
  ])('%j', (choice, config) => {
    const fields = { tools: [...tools, custom], ...(choice === undefined ? {} : { tool_choice: choice }) };
    expect(configOf(fields)).toEqual(config);
  });

  it('none still declares the tools', () => {
    expect(translate({ tools, tool_choice: 'none' }).body.tools?.[0]?.functionDeclarations).toHaveLength(2);
  });

  it('of allowed tools declares only these where the model cannot be told', () => {
    const { body } = translate(
      { tools, tool_choice: allowed('auto', named('b')) },
      { model: 'gemini-2.0-flash' },
    );
    expect(body.tools).toEqual([{ functionDeclarations: [{ name: 'b' }] }]);
    expect(body.toolConfig).toEqual(calling({ mode: 'AUTO' }));
  });

  it.each(['none', 'auto'])('%s without tools sends nothing', (choice) => {
    expect(configOf({ tool_choice: choice })).toBeUndefined();
  });

  it('may name a native declaration, and no other', () => {
    const google = { tools: [{ function_declarations: [{ name: 'n' }] }] };
    expect(configOf({ google, tool_choice: named('n') })).toEqual(
      calling({ mode: 'ANY', allowedFunctionNames: ['n'] }),
    );
    expect(refusal({ google, tool_choice: named('m') }).param).toBe('tool_choice');
    expect(refusal({ google, tool_choice: allowed('auto', named('n'), named('m')) }).param).toBe(
      'tool_choice.allowed_tools.tools[1]',
    );
  });
});

describe('function_call', () => {
  const functions = [{ name: 'a' }];

  it.each<[call: unknown, config: object]>([
    ['none', calling({ mode: 'NONE' })],
    ['auto', calling({ mode: 'AUTO' })],
    [{ name: 'a' }, calling({ mode: 'ANY', allowedFunctionNames: ['a'] })],
  ])('%j', (call, config) => {
    expect(configOf({ functions, function_call: call })).toEqual(config);
  });
});

describe('google.tool_config', () => {
  const google = {
    tool_config: {
      function_calling_config: { mode: 'any', allowed_function_names: ['a'] },
      retrieval_config: { lat_lng: { latitude: 1.5, longitude: 2 }, language_code: 'nb' },
    },
  };
  const retrievalConfig = { latLng: { latitude: 1.5, longitude: 2 }, languageCode: 'nb' };

  it('is sent', () => {
    expect(configOf({ tools, google })).toEqual({
      ...calling({ mode: 'ANY', allowedFunctionNames: ['a'] }),
      retrievalConfig,
    });
  });

  it('gives way to tool_choice', () => {
    expect(configOf({ tools, google, tool_choice: 'none' })).toEqual({
      ...calling({ mode: 'NONE' }),
      retrievalConfig,
    });
  });

  it('has fields of one upstream only', () => {
    const fields = { google: { tool_config: { include_server_side_tool_invocations: true } } };
    expect(configOf(fields, { upstream: 'gemini' })).toEqual({ includeServerSideToolInvocations: true });
    expect(refusal(fields).param).toBe('google.tool_config.include_server_side_tool_invocations');
  });
});

describe('stream_function_call_arguments', () => {
  const google = { stream_function_call_arguments: true };

  it('goes to Vertex AI', () => {
    expect(configOf({ tools, google })).toEqual(calling({ streamFunctionCallArguments: true }));
    expect(configOf({ tools, google, tool_choice: 'required' })).toEqual(
      calling({ mode: 'ANY', streamFunctionCallArguments: true }),
    );
  });

  it('is named as ignored on the Developer API', () => {
    const { body, ignored } = translate({ tools, google }, { upstream: 'gemini' });
    expect([body.toolConfig, ignored]).toEqual([undefined, ['google.stream_function_call_arguments']]);
  });

  it('false is the default', () => {
    const fields = { tools, google: { stream_function_call_arguments: false } };
    expect(translate(fields, { upstream: 'gemini' })).toMatchObject({ ignored: [] });
  });
});
