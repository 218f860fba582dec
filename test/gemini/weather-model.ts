import type { GenerateContentRequest } from '../../src/wire/gemini/request.ts';
import { answerAs, errorAnswer, type UpstreamAnswer } from '../support/gemini-answers.ts';
import type { UpstreamRequest } from '../support/replay-upstream.ts';
import { call, message, stop } from '../translate/events/gemini-messages.ts';

/** Base64, as all signatures are. */
export const SIGNATURE = 'V2VhdGhlcg==';

const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 };

const COUNTED_STOP = { ...stop, usageMetadata };

/**
 * Gemini 3, as far as a conversation about the weather in Oslo needs it: calls the one tool it is given, answers from
 * the tool's result, writes JSON when asked to. Refuses a result whose call has lost its signature, as Gemini 3 does.
 */
export function weatherModel({ body, method }: UpstreamRequest): UpstreamAnswer {
  const result = body.contents.at(-1)?.parts[0]?.functionResponse;
  if (result !== undefined) {
    const signatures = body.contents.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.functionCall === undefined ? [] : [part.thoughtSignature])),
    );
    if (signatures[0] !== SIGNATURE) {
      return errorAnswer({
        code: 400,
        status: 'INVALID_ARGUMENT',
        message: 'Function call is missing a thought_signature in functionCall parts.',
      });
    }
    return answerAs(method, saying('In Oslo it is ', `${JSON.stringify(result.response)}.`));
  }
  const tool = body.tools?.[0]?.functionDeclarations?.[0];
  if (tool !== undefined) {
    const made = { ...call(tool.name, argumentsFor(tool.parametersJsonSchema)), thoughtSignature: SIGNATURE };
    return answerAs(method, [message([made], stop), { usageMetadata }]);
  }
  return answerAs(
    method,
    wantsJson(body) ? saying('{"city":"Oslo",', '"celsius":21}') : saying('It is ', 'sunny.'),
  );
}

function wantsJson({ generationConfig }: GenerateContentRequest): boolean {
  return (
    generationConfig?.responseMimeType === 'application/json' &&
    generationConfig.responseJsonSchema !== undefined
  );
}

/** Of what the model knows, what the tool asks for. */
function argumentsFor(schema: unknown): object {
  const { properties = {} } = (schema ?? {}) as { properties?: object };
  const known = Object.entries({ city: 'Oslo', celsius: 21 });
  return Object.fromEntries(known.filter(([name]) => name in properties));
}

function saying(...pieces: readonly string[]): object[] {
  const messages = pieces.map((piece) => message([{ text: piece }]));
  return [
    ...messages.slice(0, -1),
    { ...messages.at(-1), usageMetadata },
    message([{ text: '' }], COUNTED_STOP),
  ];
}
