/** One whole use of the library. It runs in Node.js as it is, and elsewhere from a bundle. */
import {
  ChunkAssembler,
  CompletionFold,
  fromGeminiError,
  fromGeminiOutcome,
  GeminiDecoder,
  type GeminiTarget,
  renderThoughts,
  type RenderOptions,
  toGeminiRequest,
} from '../../src/translate/index.ts';
import {
  type ChatCompletion,
  type ChatCompletionChunk,
  type ErrorBody,
  errorFromProblems,
  type GenerateContentRequest,
  parseChatRequest,
  parseJsonBody,
  readGoogleError,
  SseParser,
  toErrorBody,
  toGatewayError,
} from '../../src/wire/index.ts';

export interface RoundTripInput {
  /** Body of a Chat Completions request, as text. */
  readonly request: string;
  readonly target: GeminiTarget;
  /** The native answer as it was recorded: server-sent events. */
  readonly answer: string;
}

export type RoundTripOutput =
  | {
      readonly native: GenerateContentRequest;
      readonly ignored: readonly string[];
      readonly chunks: readonly ChatCompletionChunk[];
      readonly completion: ChatCompletion;
    }
  | { readonly error: ErrorBody };

/**
 * Request in, native request out; native answer in, chunks and completion out.
 *
 * @param input a {@link RoundTripInput} as JSON, since a runtime in a runtime has objects of its own
 * @returns a {@link RoundTripOutput} as JSON
 */
export function roundTrip(input: string): string {
  const { request: body, target, answer } = JSON.parse(input) as RoundTripInput;
  let output: RoundTripOutput;
  try {
    const { request, problems } = parseChatRequest(parseJsonBody(body), { modelRequired: true });
    if (problems !== undefined) throw errorFromProblems(problems);
    const translation = toGeminiRequest(request, target, { unsupported: 'reject' });
    output = {
      native: translation.body,
      ignored: translation.ignored,
      ...readAnswer(answer, translation.toolNames, renderOptions(request.model ?? '')),
    };
  } catch (error) {
    output = { error: toErrorBody(toGatewayError(error)) };
  }
  return JSON.stringify(output);
}

function readAnswer(
  answer: string,
  toolNames: ReadonlyMap<string, string>,
  options: RenderOptions,
): { chunks: ChatCompletionChunk[]; completion: ChatCompletion } {
  const parser = new SseParser({ maxEventBytes: 1_000_000 });
  const decoder = new GeminiDecoder({ toolNames });
  const assembler = new ChunkAssembler(options);
  const fold = new CompletionFold(options);
  const chunks: ChatCompletionChunk[] = [];
  for (const { data } of parser.push(new TextEncoder().encode(answer))) {
    const frame: unknown = JSON.parse(data);
    if (readGoogleError(frame) !== undefined) throw fromGeminiError({ status: 200, body: data });
    const events = decoder.push(frame);
    chunks.push(...assembler.push(events));
    fold.push(events);
  }
  const last = decoder.end(true);
  const failure = decoder.outcome && fromGeminiOutcome(decoder.outcome);
  if (failure !== undefined) throw failure;
  chunks.push(...assembler.push(last), ...assembler.end());
  fold.push(last);
  return { chunks, completion: fold.end() };
}

function renderOptions(model: string): RenderOptions {
  let calls = 0;
  return {
    id: 'chatcmpl-1',
    created: 1_700_000_000,
    model,
    thoughts: renderThoughts({ family: 'plain', jsonOutput: false }),
    jsonOutput: false,
    usageMode: 'openai',
    streamUsage: 'own-chunk',
    parallelToolCalls: true,
    deprecatedFunctions: false,
    customTools: new Set(),
    newCallId: () => `call_${++calls}`,
  };
}
