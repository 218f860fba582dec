import fc from 'fast-check';

/** Requests of all kinds, most of them valid: what is not is for the validation to find. */

const word = fc.string({ maxLength: 12 });
const functionName = fc.constantFrom('f', 'g', '1st', 'a-b', 'weather.get');
const base64 = fc.base64String({ maxLength: 24 });
const signature = fc.oneof(
  { arbitrary: base64, weight: 9 },
  { arbitrary: fc.constant('no base64!'), weight: 1 },
);

/** An object that has at most `most` of the members. */
function some(members: Readonly<Record<string, fc.Arbitrary<unknown>>>, most = 2): fc.Arbitrary<object> {
  const single = Object.entries(members).map(([name, value]) => value.map((given) => ({ [name]: given })));
  return fc
    .array(fc.oneof(...single), { maxLength: most })
    .map((given) => Object.assign({}, ...given) as object);
}

const url = fc.oneof(
  fc.constantFrom(
    'data:image/png;base64,AAAA',
    'https://youtu.be/x',
    'gs://b/o.png',
    'gs://b/o',
    'https://h.example/v.mp4',
    'files/abc',
    'file:///x',
  ),
  base64.filter((text) => text !== ''),
);

const partExtras = some({
  google: some({
    thought_signature: signature,
    thought: fc.boolean(),
    mime_type: fc.constantFrom('image/png', 'audio/mp3'),
    media_resolution: fc.constantFrom('low', 'MEDIA_RESOLUTION_HIGH', 'best'),
    video_metadata: fc.constantFrom({ start_offset: '1s' }, { fps: 2 }, { fps: 'x' }),
  }),
});

const textPart = fc.record(
  { type: fc.constantFrom('text', 'input_text'), text: word, extra_content: partExtras },
  { requiredKeys: ['type', 'text'] },
);
const detail = fc.constantFrom('auto', 'low', 'high', 'ultra_high');
const mediaPart = fc.oneof(
  fc.record({
    type: fc.constant('image_url'),
    image_url: fc.oneof(url, fc.record({ url, detail })),
    extra_content: partExtras,
  }),
  fc.record({
    type: fc.constant('input_audio'),
    input_audio: fc.record({ data: url, format: fc.constantFrom('wav', 'mp3', 'video/mp4', 'xyz') }),
  }),
  fc.record({
    type: fc.constant('file'),
    file: fc.record({ file_data: url, filename: fc.constantFrom('a.pdf', 'a') }),
  }),
  fc.record({ type: fc.constant('video_url'), video_url: fc.record({ url }) }),
);

const content = fc.oneof(word, fc.array(fc.oneof(textPart, mediaPart), { maxLength: 3 }));
const messageExtras = some({
  google: some({ thought_signature: signature, thought: fc.boolean() }),
  vertex: some({ thought_signature: signature }),
});

const system = fc.record({
  role: fc.constantFrom('system', 'developer'),
  content: fc.oneof(word, fc.array(textPart)),
});
const user = fc.record({ role: fc.constant('user'), content });
const assistant = fc.record(
  {
    role: fc.constantFrom('assistant', 'model'),
    content,
    reasoning_content: word,
    refusal: word,
    extra_content: messageExtras,
    annotations: fc.constant([]),
  },
  { requiredKeys: ['role', 'content'] },
);

/** An assistant message with calls, and its results in any order. */
const exchange = fc
  .array(
    fc.record({
      name: functionName,
      args: fc.dictionary(word, fc.jsonValue({ maxDepth: 2 })),
      extra: messageExtras,
      result: content,
    }),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .chain((calls) =>
    fc.shuffledSubarray([...calls.keys()], { minLength: calls.length }).map((order) => {
      const step: object = {
        role: 'assistant',
        content: null,
        tool_calls: calls.map(({ name, args, extra }, index) => ({
          id: `call_${index}`,
          type: 'function',
          function: { name, arguments: JSON.stringify(args) },
          extra_content: extra,
        })),
      };
      const results: object[] = order.map((index) => ({
        role: 'tool',
        tool_call_id: `call_${index}`,
        content: calls[index]?.result ?? '',
      }));
      return [step].concat(results);
    }),
  );

const messages = fc
  .array(
    fc.oneof(
      system.map((message) => [message]),
      user.map((message) => [message]),
      assistant.map((message) => [message]),
      exchange,
    ),
    {
      minLength: 1,
      maxLength: 5,
    },
  )
  .map((groups) => groups.flat());

/** JSON Schemas, sensible and otherwise. */
export const anySchema = fc.letrec((tie) => ({
  schema: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(
      true,
      {},
      { $ref: '#' },
      { $ref: '#/$defs/A' },
      { $ref: '#/none' },
      { const: 5 },
      { enum: ['a', 1, null] },
    ),
    some({
      type: fc.constantFrom(
        'string',
        'INTEGER',
        'number',
        'boolean',
        'null',
        'object',
        'array',
        ['string', 'null'],
        ['integer', 'string'],
        'odd',
      ),
      description: fc.oneof(word, fc.constant(5)),
      format: fc.constantFrom('date-time', 'uuid', 'int32'),
      enum: fc.array(fc.oneof(word, fc.integer(), fc.constant(null)), { maxLength: 3 }),
      minimum: fc.oneof(fc.integer(), fc.constant('1')),
      exclusiveMaximum: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()),
      minLength: fc.oneof(fc.integer(), fc.constant('x')),
      maxItems: fc.nat(),
      pattern: word,
      nullable: fc.boolean(),
      default: fc.jsonValue({ maxDepth: 1 }),
      title: fc.oneof(word, fc.constant([])),
    }),
    fc.record({
      type: fc.constant('object'),
      properties: fc.dictionary(word, tie('schema'), { maxKeys: 3 }),
      required: fc.oneof(fc.array(word), fc.constant('x')),
      additionalProperties: fc.oneof(fc.boolean(), tie('schema')),
    }),
    fc.record({
      type: fc.constant('array'),
      items: fc.oneof(tie('schema'), fc.array(tie('schema'), { maxLength: 2 })),
    }),
    fc.record({ anyOf: fc.array(tie('schema'), { maxLength: 3 }) }),
    fc.record({ oneOf: fc.array(tie('schema'), { maxLength: 3 }) }),
    fc.record({ allOf: fc.array(tie('schema'), { maxLength: 3 }) }),
  ),
})).schema;

const objectSchema = anySchema.map((schema) => ({
  type: 'object',
  properties: { a: schema },
  $defs: { A: { type: 'object', properties: { next: { $ref: '#/$defs/A' } } } },
}));

const tool = fc.oneof(
  fc.record({
    type: fc.constant('function'),
    function: fc.record({
      name: functionName,
      description: word,
      parameters: objectSchema,
      strict: fc.boolean(),
    }),
  }),
  fc.record({
    type: fc.constant('custom'),
    custom: fc.record({ name: functionName, format: fc.constantFrom({ type: 'text' }, { type: 'grammar' }) }),
  }),
  fc.constantFrom({ type: 'google_search' }, { type: 'file_search' }, { type: 'web_search' }),
);

/** Any value where a native one belongs. */
const native = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  some({
    temperature: fc.jsonValue({ maxDepth: 0 }),
    top_k: fc.integer(),
    mode: word,
    parts: fc.array(fc.record({ text: word })),
    google_search: fc.constant({}),
    thinking_config: fc.constantFrom(
      { thinking_budget: 5 },
      { thinking_level: 'low' },
      { include_thoughts: true },
    ),
    function_calling_config: fc.constantFrom({ mode: 'any' }, { mode: 'odd' }),
    type: fc.constantFrom('STRING', 'odd'),
  }),
);

const google = some({
  safety_settings: fc.array(
    fc.record({
      category: fc.constantFrom('HARM_CATEGORY_HARASSMENT', 'HARM_CATEGORY_JAILBREAK', 'odd'),
      threshold: fc.constantFrom('off', 'BLOCK_NONE'),
    }),
    { maxLength: 2 },
  ),
  thinking_config: some({ include_thoughts: fc.boolean(), thinking_budget: fc.integer({ min: -1 }) }),
  thought_tag_marker: fc.constantFrom('think', '<t>'),
  tools: fc.array(
    fc.constantFrom(
      { google_search: {} },
      { retrieval: {} },
      { function_declarations: [{ name: 'f' }] },
      { odd: 1 },
    ),
    { maxLength: 2 },
  ),
  labels: fc.dictionary(word, word, { maxKeys: 2 }),
  cached_content: fc.constant('cachedContents/a'),
  generation_config: fc.dictionary(
    fc.constantFrom('temperature', 'seed', 'responseMimeType', 'odd'),
    native,
    { maxKeys: 3 },
  ),
  media_resolution: native,
  response_schema: native,
  response_json_schema: native,
  response_modalities: native,
  image_config: native,
  speech_config: native,
  routing_config: native,
  model_armor_config: native,
  system_instruction: native,
  tool_config: native,
  service_tier: native,
  odd: native,
});

const fields = some(
  {
    max_tokens: fc.integer({ min: 1 }),
    temperature: fc.double({ min: 0, max: 2, noNaN: true }),
    top_k: fc.integer({ min: 1 }),
    n: fc.integer({ min: 1, max: 8 }),
    stop: fc.oneof(word, fc.array(word, { maxLength: 3 })),
    seed: fc.maxSafeInteger(),
    presence_penalty: fc.double({ min: -2, max: 2, noNaN: true }),
    logprobs: fc.boolean(),
    response_format: fc.oneof(
      fc.constantFrom('json_object', { type: 'text' }, { type: 'odd' }),
      fc.record({
        type: fc.constant('json_schema'),
        json_schema: fc.record({ name: word, schema: anySchema }),
      }),
    ),
    reasoning_effort: fc.constantFrom('none', 'low', 'max'),
    tools: fc.uniqueArray(tool, { maxLength: 3, selector: (entry) => JSON.stringify(entry) }),
    tool_choice: fc.constantFrom('auto', 'none', 'required', 'validated', {
      type: 'function',
      function: { name: 'f' },
    }),
    modalities: fc.constantFrom(['text'], ['text', 'audio']),
    web_search_options: fc.constantFrom({}, { user_location: {} }),
    service_tier: fc.constantFrom('auto', 'flex', 'scale'),
    google,
    extra_body: some({ google, generation_config: fc.constant({ topK: 3 }), odd: word }),
    odd: word,
  },
  4,
);

/** The body of a chat completion request. */
export const anyRequest = fc
  .tuple(messages, fields)
  .map(([given, others]) => Object.assign({ model: 'google/gemini', messages: given }, others));
