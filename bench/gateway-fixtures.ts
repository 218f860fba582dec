/** What the gateway part of the benchmark sends, what Gemini answers, and what must come back. */

/** Pieces of one streamed answer. */
export const ANSWER_PIECES = 64;

/** Stands once at the start of each piece and nowhere else, so that pieces can be counted without parsing. */
export const PIECE_MARK = '|';

export const PROMPT_TOKENS = 176;
export const ANSWER_TOKENS = 300;

const WORDS =
  'Sunlight looks white, yet it is a blend of every colour we can see. In the air it meets molecules far smaller than its waves, and those scatter short waves much more than long ones: the sky glows in “cool” blue. Towards evening the path through the air is forty times as long — most of the blue has left the beam, and what remains is orange. On the Moon, without air, the sky stays black at noon.'.split(
    ' ',
  );

/** Texts of the pieces, in order: about five words each. */
export const GATEWAY_PIECES: readonly string[] = Array.from({ length: ANSWER_PIECES }, (_, piece) => {
  const words = Array.from({ length: 5 }, (_word, at) => WORDS[(piece * 5 + at) % WORDS.length] ?? '');
  return `${PIECE_MARK}${words.join(' ')} `;
});

/** The messages of Vertex AI's streamed answer; only the last one has counts. */
export function streamedMessages(): object[] {
  return GATEWAY_PIECES.map((text, at) => geminiMessage(text, at === ANSWER_PIECES - 1));
}

/** Vertex AI's answer in one piece. */
export function wholeMessage(): object {
  return geminiMessage(GATEWAY_PIECES.join(''), true);
}

function geminiMessage(text: string, isLast: boolean): object {
  return {
    candidates: [
      { content: { role: 'model', parts: [{ text }] }, ...(isLast ? { finishReason: 'STOP' } : {}) },
    ],
    usageMetadata: isLast ? COUNTS : { trafficType: 'ON_DEMAND' },
    modelVersion: 'gemini-2.5-flash',
    createTime: '2026-01-01T00:00:00.123456Z',
    responseId: 'Zm9vYmFyMTIzNDU2Nzg5MA',
  };
}

const COUNTS = {
  promptTokenCount: PROMPT_TOKENS,
  candidatesTokenCount: ANSWER_TOKENS,
  totalTokenCount: PROMPT_TOKENS + ANSWER_TOKENS,
  promptTokensDetails: [{ modality: 'TEXT', tokenCount: PROMPT_TOKENS }],
  candidatesTokensDetails: [{ modality: 'TEXT', tokenCount: ANSWER_TOKENS }],
  trafficType: 'ON_DEMAND',
};

/** The model that is asked for unless a request says otherwise. */
export const DEFAULT_MODEL = 'gemini-2.5-flash';

export interface GatewayRequest {
  readonly stream: boolean;
  /** Orders for Gemini's stand-in can stand in it: `-d5` for 5 ms between the pieces. @default {@link DEFAULT_MODEL} */
  readonly model?: string;
  /** Carries orders to a model server. @default none */
  readonly user?: string;
  /** Base64 characters of an inline image. @default none */
  readonly imageLength?: number;
  /** Schema of the one tool as JSON text. @default no tool */
  readonly schema?: string;
}

/** A chat of about 1 KB. */
export function gatewayRequest({ stream, model, user, imageLength, schema }: GatewayRequest): string {
  const question = 'Why is the sky blue, and why are sunsets red? Say also what the sky looks like on Mars.';
  const image = {
    type: 'image_url',
    image_url: { url: `data:image/png;base64,${'iVBO'.repeat((imageLength ?? 0) / 4)}` },
  };
  const parameters = 'the schema';
  const body = JSON.stringify({
    model: model ?? DEFAULT_MODEL,
    messages: [
      {
        role: 'system',
        content: `You are a precise, friendly assistant for a science museum. ${WORDS.slice(0, 40).join(' ')}`,
      },
      {
        role: 'user',
        content: 'Hi! I am preparing a short guided tour about light for children aged ten to twelve.',
      },
      {
        role: 'assistant',
        content: `Lovely! Begin with something they see every day. ${WORDS.slice(20, 50).join(' ')}`,
      },
      {
        role: 'user',
        content: imageLength === undefined ? question : [{ type: 'text', text: question }, image],
      },
    ],
    temperature: 0.7,
    top_p: 0.95,
    max_tokens: 1024,
    ...(user === undefined ? {} : { user }),
    ...(schema === undefined
      ? {}
      : { tools: [{ type: 'function', function: { name: 'look', parameters } }] }),
    ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  });
  return schema === undefined ? body : body.replace(JSON.stringify(parameters), () => schema);
}

/** A schema that doubles with every level when its references are written out: 2^40 places. */
export function referenceBomb(): string {
  const levels = 40;
  const $defs = Object.fromEntries(
    Array.from({ length: levels }, (_, level) => {
      const $ref = `#/$defs/level${level + 1}`;
      return [`level${level}`, { type: 'object', properties: { left: { $ref }, right: { $ref } } }];
    }),
  );
  return JSON.stringify({
    type: 'object',
    properties: { root: { $ref: '#/$defs/level0' } },
    $defs: { ...$defs, [`level${levels}`]: { type: 'string' } },
  });
}

/** A schema of objects inside objects; too deep for `JSON.stringify`. */
export function deepSchema(levels = 5000): string {
  return `${'{"type":"object","properties":{"a":'.repeat(levels)}{"type":"string"}${'}}'.repeat(levels)}`;
}
