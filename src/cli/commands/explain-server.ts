import { servedModel } from '../../backends/openai-compatible/served-model.ts';
import type { ServerUpstreamConfig } from '../../config/complete-upstream.ts';
import type { DeepReadonly } from '../../config/deep-freeze.ts';
import { errorFromProblems } from '../../errors.ts';
import { relayProblems } from '../../translate/relay/capabilities.ts';
import { isReadByServer, SERVER_KINDS } from '../../translate/relay/server-kinds.ts';
import { toServerRequest } from '../../translate/relay/to-server-request.ts';
import { validateEnvelope } from '../../wire/openai/validate-envelope.ts';
import type { JsonBody } from '../../wire/validation/parse-json-body.ts';
import type { JsonObject } from '../../wire/validation/structure-checks.ts';
import type { ReceiptLine } from './explain-receipt.ts';
import { MediaPreview } from './explain-media.ts';

export interface ServerExplanation {
  /** The model the server is asked for. */
  readonly model: string;
  readonly url: string;
  /** The request as it is sent. */
  readonly body: object;
  readonly receipt: readonly ReceiptLine[];
  readonly notes: readonly string[];
}

export interface ServerRequestToExplain extends JsonBody {
  /** The model as the body names it; empty where it names none. */
  readonly asked: string;
  /** The same without publisher. */
  readonly model: string;
  /** Whether the body has to name one. */
  readonly modelRequired: boolean;
}

/**
 * What a model server would be sent. The server itself is not asked: which models it has is known only while Parlance
 * runs.
 *
 * @throws {GatewayError} when the request would be refused
 */
export function explainServer(
  name: string,
  upstream: DeepReadonly<ServerUpstreamConfig>,
  { text, value, asked, model, modelRequired }: ServerRequestToExplain,
): ServerExplanation {
  const traits = SERVER_KINDS[upstream.kind];
  const envelope = validateEnvelope(value, { modelRequired });
  const problems =
    envelope.length > 0
      ? envelope
      : relayProblems(value as JsonObject, { traits, capabilities: upstream.capabilities });
  if (problems.length > 0) throw errorFromProblems(problems);
  const served = servedModel(
    { asked, model, isModelFixed: false },
    { upstream: name, configured: upstream.model, listed: undefined },
  );
  const media = new MediaPreview(value as JsonObject, (reference) => !isReadByServer(reference, traits));
  const sent = toServerRequest({ text, value: value as JsonObject }, { traits, model: served, media });
  const changed = new Set(sent.changes.map(({ path }) => path));
  return {
    model: served ?? 'the model the server has',
    url: `${upstream.base_urls[0]!}/chat/completions`,
    body: JSON.parse(sent.text) as object,
    receipt: [
      ...sent.changes.map(({ path, what, note }): ReceiptLine => ({
        field: path,
        outcome: what,
        count: 1,
        note,
      })),
      ...Object.keys(value as JsonObject)
        .filter((field) => !changed.has(field) && field !== 'extra_body')
        .map((field): ReceiptLine => ({ field, outcome: 'relayed', count: 1, note: '' })),
    ].toSorted((left, right) => (left.field < right.field ? -1 : 1)),
    notes: [
      ...media.notes,
      ...(upstream.base_urls.length > 1
        ? [`Any of the ${upstream.base_urls.length} replicas may be asked; the first one stands here.`]
        : []),
      ...(upstream.model === undefined
        ? ['The configuration names no model: a running server asks for the list of models first.']
        : []),
    ],
  };
}
