import { describe, expect, it } from 'vitest';
import { refusal, translate, USER } from './translate.ts';

const call = (id: string, city: string): object => ({
  id,
  type: 'function',
  function: { name: 'weather', arguments: JSON.stringify({ city }) },
});

const history = (signature?: string): object => ({
  messages: [
    { role: 'user', content: 'Weather in Oslo and Rome?' },
    {
      role: 'assistant',
      content: '',
      tool_calls: [
        {
          ...call('call_a', 'Oslo'),
          ...(signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } }),
        },
        call('call_b', 'Rome'),
      ],
    },
    { role: 'tool', tool_call_id: 'call_b', content: '21' },
    { role: 'tool', tool_call_id: 'call_a', content: '{"temp":4}' },
  ],
});

const contents = (signature?: string): object[] => [
  { role: 'user', parts: [{ text: 'Weather in Oslo and Rome?' }] },
  {
    role: 'model',
    parts: [
      {
        functionCall: { name: 'weather', args: { city: 'Oslo' } },
        ...(signature === undefined ? {} : { thoughtSignature: signature }),
      },
      { functionCall: { name: 'weather', args: { city: 'Rome' } } },
    ],
  },
  {
    role: 'user',
    parts: [
      { functionResponse: { name: 'weather', response: { temp: 4 } } },
      { functionResponse: { name: 'weather', response: { output: 21 } } },
    ],
  },
];

describe('the worked examples of the contract', () => {
  it('17.1: a multimodal request for Vertex AI', () => {
    const { body, ignored, signatures } = translate({
      model: 'google/gemini-2.5-flash',
      max_tokens: 300,
      stop: 'END',
      reasoning_effort: 'low',
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Do these belong together?' },
            { type: 'image_url', image_url: 'gs://bkt/cat.png' },
            { type: 'input_audio', input_audio: { data: 'gs://bkt/a.mp3', format: 'audio/mp3' } },
          ],
        },
      ],
      response_format: { type: 'json_object' },
      extra_body: {
        google: { safety_settings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }] },
      },
    });
    expect(body).toEqual({
      systemInstruction: { parts: [{ text: 'Be brief.' }] },
      contents: [
        {
          role: 'user',
          parts: [
            { text: 'Do these belong together?' },
            { fileData: { mimeType: 'image/png', fileUri: 'gs://bkt/cat.png' } },
            { fileData: { mimeType: 'audio/mp3', fileUri: 'gs://bkt/a.mp3' } },
          ],
        },
      ],
      generationConfig: {
        maxOutputTokens: 300,
        stopSequences: ['END'],
        responseMimeType: 'application/json',
        thinkingConfig: { thinkingBudget: 1024 },
      },
      safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
    });
    expect(ignored).toEqual([]);
    expect(signatures).toBe('none');
  });

  it('17.2: parallel results out of order, the first call signed', () => {
    const { body, signatures } = translate(history('Q3Mx'));
    expect(body.contents).toEqual(contents('Q3Mx'));
    expect(signatures).toBe('client');
  });

  it('17.2: the signature lost, and Gemini 3 wants one', () => {
    const { body, signatures } = translate(history(), { model: 'gemini-3-flash-preview' });
    expect(body.contents).toEqual(contents('skip_thought_signature_validator'));
    expect(signatures).toBe('dummy');
  });

  it('17.2: the signature lost, and Gemini 2.5 wants none', () => {
    const { body, signatures } = translate(history());
    expect(body.contents).toEqual(contents());
    expect(signatures).toBe('none');
  });
});

describe('toGeminiRequest', () => {
  it('sends nothing but contents for a bare question', () => {
    expect(translate({}).body).toEqual({ contents: [{ role: 'user', parts: [{ text: 'Hello.' }] }] });
  });

  it('answers every refusal of one request in one error', () => {
    const { problems } = refusal({
      logit_bias: { 1: 1 },
      verbosity: 'low',
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: 'ftp://x/y.png' }] }],
      audio: { format: 'mp3' },
      modalities: ['audio'],
    });
    expect(problems.map(({ param }) => param)).toEqual([
      'logit_bias',
      'verbosity',
      'messages[0].content[0].image_url',
      'audio.format',
    ]);
  });

  it('names them instead where the configuration says so', () => {
    const { ignored, body } = translate(
      { logit_bias: { 1: 1 }, verbosity: 'low', min_p: 0.1, moderation: {}, temprature: 1 },
      { unsupported: 'ignore' },
    );
    expect(ignored).toEqual(['logit_bias', 'verbosity', 'moderation', 'min_p', 'temprature']);
    expect(Object.keys(body)).toEqual(['contents']);
  });

  it('keeps the list of ignored fields short, whatever a request holds', () => {
    const fields = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`field_${index}`, 1]));
    expect(translate(fields).ignored).toHaveLength(100);
  });

  describe('misspelt and unknown fields are named (B24)', () => {
    it.each<[ignored: string, fields: object]>([
      ['max_token', { max_token: 5 }],
      ['messages[0].cache_control', { messages: [{ ...USER, cache_control: { type: 'ephemeral' } }] }],
      [
        'messages[0].content[0].cache_control',
        { messages: [{ role: 'user', content: [{ type: 'text', text: 'a', cache_control: {} }] }] },
      ],
      ['stream_options.include_usag', { stream_options: { include_usag: true } }],
      [
        'messages[0].extra_content.google.thoughts',
        { messages: [{ ...USER, extra_content: { google: { thoughts: true } } }] },
      ],
      ['messages[0].extra_content.anthropic', { messages: [{ ...USER, extra_content: { anthropic: {} } }] }],
      ['web_search_options.search_context_size', { web_search_options: { search_context_size: 'low' } }],
      ['extra_body.top_k', { extra_body: { top_k: 5 } }],
      [
        'tools[0].function.examples',
        { tools: [{ type: 'function', function: { name: 'f', examples: [] } }] },
      ],
    ])('%s', (path, fields) => {
      expect(translate(fields).ignored).toEqual([path]);
    });
  });

  it.each([
    'store',
    'metadata',
    'user',
    'safety_identifier',
    'prompt_cache_key',
    'prompt_cache_options',
    'prediction',
  ])('accepts %s in silence, unlike Google (B5)', (field) => {
    const values: Record<string, unknown> = {
      store: true,
      metadata: { a: 'b' },
      prompt_cache_options: { mode: 'explicit' },
      prediction: { type: 'content', content: 'x' },
    };
    const { body, ignored } = translate({ [field]: values[field] ?? 'x' }, { upstream: 'gemini' });
    expect(Object.keys(body)).toEqual(['contents']);
    expect(ignored).toEqual([]);
  });

  it.each([true, false])('sends nothing for parallel_tool_calls: %s, which is emulated (B23)', (value) => {
    const { body, ignored } = translate({ parallel_tool_calls: value });
    expect([Object.keys(body), ignored]).toEqual([['contents'], []]);
  });

  it.each([
    'bad_words',
    'guided_json',
    'guided_regex',
    'guided_choice',
    'guided_grammar',
    'structured_outputs',
    'grammar',
    'min_p',
    'repetition_penalty',
    'min_tokens',
    'prompt_logprobs',
    'echo',
  ])('refuses %s, a control Gemini does not have', (field) => {
    expect(refusal({ [field]: 1 })).toMatchObject({
      param: field,
      code: 'unsupported_parameter',
      status: 400,
    });
  });

  it.each([{ logit_bias: {} }, { logit_bias: null }, { verbosity: 'medium' }, { moderation: null }])(
    'accepts %j, which changes nothing',
    (fields) => {
      expect(translate(fields).ignored).toEqual([]);
    },
  );
});
