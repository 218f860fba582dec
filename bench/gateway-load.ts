/**
 * The load generator's process for the gateway part, so that its work is not counted as the server's. Takes its orders
 * as one JSON argument; reports on the IPC channel and ends.
 */
import { type ExpectedAnswer, checkCompletion, checkStream } from './check-answer.ts';
import { runClosedLoop } from './closed-loop.ts';
import {
  ANSWER_PIECES,
  ANSWER_TOKENS,
  DEFAULT_MODEL,
  GATEWAY_PIECES,
  type GatewayRequest,
  gatewayRequest,
  PIECE_MARK,
  PROMPT_TOKENS,
} from './gateway-fixtures.ts';
import { type GeneratorReport, obeyOrder } from './generator.ts';
import { median } from './median.ts';
import type { RawResponse } from './response-reader.ts';

export interface GatewayOrder {
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly request: GatewayRequest;
  readonly connections: number;
  readonly requests: number;
  /** The server passes the upstream's bytes on as they are: then only pieces are counted. */
  readonly isRaw: boolean;
}

export interface GatewayReport extends GeneratorReport {
  /** Median of the milliseconds until the first piece of an answer arrived. */
  readonly firstPieceMs: number;
  /** Median of the milliseconds until an answer was complete. */
  readonly wholeMs: number;
}

/** One answer in this many is parsed and compared; of all others the pieces are counted. */
const PARSED_SHARE = 20;

/** Sends the request again and again. @throws {Error} at the first answer that is not complete and right */
export async function generateGatewayLoad(
  order: GatewayOrder,
): Promise<Omit<GatewayReport, keyof GeneratorReport>> {
  const firsts: number[] = [];
  const wholes: number[] = [];
  const parse = order.request.stream ? checkStream : checkCompletion;
  const expected: ExpectedAnswer = {
    pieces: GATEWAY_PIECES,
    promptTokens: PROMPT_TOKENS,
    answerTokens: ANSWER_TOKENS,
    model: order.request.model ?? DEFAULT_MODEL,
  };
  let answers = 0;
  await runClosedLoop({
    port: order.port,
    headers: order.headers,
    body: gatewayRequest(order.request),
    connections: order.connections,
    requests: order.requests,
    check: (response) => {
      const isParsed = !order.isRaw && answers++ % PARSED_SHARE === 0;
      return isParsed ? parse(response, expected) : countPieces(response, order);
    },
    mark: PIECE_MARK,
    onTimes: (first, whole) => {
      firsts.push(first);
      wholes.push(whole);
    },
  });
  return { firstPieceMs: median(firsts), wholeMs: median(wholes) };
}

function countPieces({ status, body }: RawResponse, { isRaw, request }: GatewayOrder): string | undefined {
  if (status !== 200) return `status ${status}: ${body.toString('utf8', 0, 200)}`;
  if (request.stream && !isRaw && !body.includes('data: [DONE]\n\n', -16))
    return 'the stream does not end with [DONE]';
  let pieces = 0;
  for (let at = body.indexOf(PIECE_MARK); at !== -1; at = body.indexOf(PIECE_MARK, at + 1)) pieces++;
  return pieces === ANSWER_PIECES ? undefined : `${pieces} pieces instead of ${ANSWER_PIECES}`;
}

if (import.meta.main) await obeyOrder(generateGatewayLoad);
