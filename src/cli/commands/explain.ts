import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { planRequest } from '../../backends/embedded/plan-request.ts';
import { projectorOf } from '../../model-store/catalogue.ts';
import { ChatTemplate } from '../../backends/embedded/prompt/chat-template.ts';
import { geminiUrl } from '../../backends/gemini/gemini-url.ts';
import { createParlance } from '../../compose/create-parlance.ts';
import type { EmbeddedUpstreamConfig, ServerUpstreamConfig } from '../../config/complete-upstream.ts';
import { ConfigError } from '../../config/config-error.ts';
import type { DeepReadonly } from '../../config/deep-freeze.ts';
import { type GeminiConfig, geminiPlace, geminiTranslateOptions } from '../../compose/gemini-options.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { suggestName } from '../../config/nearest-name.ts';
import { errorFromProblems, GatewayError } from '../../errors.ts';
import { shownModelName } from '../../model-store/resolve-model.ts';
import { bareModelName } from '../../routing/model-name.ts';
import { inlineMedia } from '../../translate/media-references.ts';
import { isReadByGemini } from '../../translate/request/media-reference.ts';
import { toGeminiRequest } from '../../translate/request/to-gemini-request.ts';
import { toErrorBody } from '../../wire/openai/error.ts';
import type { ChatCompletionRequest } from '../../wire/openai/request.ts';
import { parseChatRequest } from '../../wire/openai/validate-request.ts';
import { type JsonBody, readJsonText } from '../../wire/validation/parse-json-body.ts';
import { isJsonObject } from '../../wire/validation/structure-checks.ts';
import { commandConfig } from '../command-config.ts';
import type { CommandIo } from '../command-io.ts';
import { CommandLineError, readCommandLine } from '../run-command.ts';
import { receiptOf, type ReceiptLine } from './explain-receipt.ts';
import { MediaPreview } from './explain-media.ts';
import { explainServer, type ServerRequestToExplain } from './explain-server.ts';

/** What the command needs of the process it runs in. */
export interface ExplainCommandIo extends CommandIo {
  readonly stdin: AsyncIterable<Uint8Array>;
}

const OK = 0;
const REFUSED = 1;
const USAGE = 2;

const HELP = `Usage: parlance explain FILE [--upstream NAME] [--model NAME] [--config FILE] [--json]

Shows what Parlance would make of a Chat Completions request, without sending anything: which upstream answers, what
it is sent, and what becomes of every field. FILE holds the request's body as JSON; - reads it from standard input.

Options:
  --upstream NAME  take this upstream, whatever the configuration says about the model
  --model NAME     take this model instead of the body's
  --config FILE    the configuration (default: PARLANCE_CONFIG, else ./parlance.yaml if it is there)
  --json           write one JSON object
  -h, --help       this text

Exit codes: 0 the request would be sent, 1 it is refused, 2 the command line or the configuration cannot be used.
`;

/** `parlance explain`. @returns the exit code */
export async function runExplainCommand(args: readonly string[], io: ExplainCommandIo): Promise<number> {
  try {
    const options = readOptions(args);
    if (options === 'help') {
      io.stdout.write(HELP);
      return OK;
    }
    const config = commandConfig(options.config, io);
    const body = await readBody(options.file, io);
    try {
      const explanation = await explain(body, options, config);
      io.stdout.write(options.json ? toJson({ outcome: 'sent', ...explanation }) : toText(explanation));
      return OK;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      const { status } = error;
      io.stdout.write(
        options.json ? toJson({ outcome: 'refused', status, ...toErrorBody(error) }) : refusalText(error),
      );
      return REFUSED;
    }
  } catch (error) {
    if (error instanceof ConfigError) io.stderr.write(error.format());
    else if (error instanceof CommandLineError) io.stderr.write(`${error.message}\n\n${HELP}`);
    else if (error instanceof UnusableError) io.stderr.write(`${error.message}\n`);
    else throw error;
    return USAGE;
  }
}

/** The command cannot be carried out as it was given. */
class UnusableError extends Error {}

interface ExplainOptions {
  /** `-` for standard input. */
  readonly file: string;
  readonly upstream: string | undefined;
  readonly model: string | undefined;
  readonly config: string | undefined;
  readonly json: boolean;
}

const OPTIONS = {
  upstream: { type: 'string' },
  model: { type: 'string' },
  config: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

function readOptions(args: readonly string[]): ExplainOptions | 'help' {
  const line = readCommandLine(args, OPTIONS);
  if (line === 'help') return 'help';
  const { upstream, model, config, json } = line.values;
  const [file, ...others] = line.positionals;
  if (file === undefined || others.length > 0) throw new CommandLineError('Name one FILE, or -.');
  return { file, upstream, model, config, json };
}

async function readBody(file: string, { stdin, cwd }: ExplainCommandIo): Promise<string> {
  if (file === '-') return readText(stdin);
  try {
    return await readFile(resolve(cwd, file), 'utf8');
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    throw new UnusableError(`${file} cannot be read (${code}). Name the file that holds the request's body.`);
  }
}

/** What would happen to a request. */
interface Explanation {
  readonly upstream: { readonly name: string; readonly kind: string };
  /** The model that answers. */
  readonly model: string;
  /** What an upstream would be sent, secrets masked. */
  readonly request?: NativeRequest;
  /** What the embedded engine would be told, without the prompt. */
  readonly plan?: object;
  readonly receipt: readonly ReceiptLine[];
  readonly notes: readonly string[];
}

interface NativeRequest {
  readonly method: 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

/** @throws {GatewayError} when the request would be refused */
async function explain(text: string, options: ExplainOptions, config: LoadedConfig): Promise<Explanation> {
  const body = withModel(readJsonText(text), options.model);
  const named = isJsonObject(body.value) ? body.value['model'] : undefined;
  const asked = typeof named === 'string' ? named : '';
  const target = await findTarget(asked, options.upstream, config);
  const upstream = target && config.upstreams[target.name];
  if (target === undefined || upstream === undefined) {
    requestOf(body, options);
    throw unknownModel(asked);
  }
  switch (upstream.kind) {
    case 'embedded':
    case 'vertex':
    case 'gemini':
      return explainTranslated(upstream, { request: requestOf(body, options), ...target, config });
    default:
      return explainRelay(target.name, upstream, {
        ...body,
        asked,
        model: target.model,
        modelRequired: options.upstream === undefined,
      });
  }
}

/** @throws {GatewayError} with everything that is wrong with the request */
function requestOf({ value }: JsonBody, { upstream }: ExplainOptions): ChatCompletionRequest {
  const { request, problems } = parseChatRequest(value, { modelRequired: upstream === undefined });
  if (problems !== undefined) throw errorFromProblems(problems);
  return request;
}

function explainTranslated(
  upstream: DeepReadonly<EmbeddedUpstreamConfig> | GeminiConfig,
  target: ExplainTarget & { readonly name: string },
): Explanation {
  const isEmbedded = upstream.kind === 'embedded';
  return {
    upstream: { name: target.name, kind: upstream.kind },
    model: isEmbedded ? shownModelName(upstream.model) : target.model,
    ...(isEmbedded ? explainEmbedded(upstream, target) : explainGemini(upstream, target)),
  };
}

/** The body with another model, if one is given. */
function withModel(body: JsonBody, model: string | undefined): JsonBody {
  if (model === undefined || !isJsonObject(body.value)) return body;
  const value = { ...body.value, model };
  return { text: JSON.stringify(value), value };
}

function explainRelay(
  name: string,
  upstream: DeepReadonly<ServerUpstreamConfig>,
  body: ServerRequestToExplain,
): Explanation {
  const { model, url, body: sent, ...explanation } = explainServer(name, upstream, body);
  const headers = {
    'content-type': 'application/json',
    ...Object.fromEntries(Object.keys(upstream.headers).map((header) => [header, SECRET])),
    ...(upstream.api_key === undefined ? {} : { authorization: `Bearer ${SECRET}` }),
  };
  return {
    upstream: { name, kind: upstream.kind },
    model,
    request: { method: 'POST', url, headers, body: sent },
    ...explanation,
  };
}

async function findTarget(
  asked: string,
  upstream: string | undefined,
  config: LoadedConfig,
): Promise<{ name: string; model: string } | undefined> {
  if (upstream !== undefined) {
    if (config.upstreams[upstream] !== undefined) return { name: upstream, model: bareModelName(asked) };
    const advice = suggestName(upstream, Object.keys(config.upstreams));
    throw new UnusableError(`There is no upstream \`${upstream}\`; ${advice}`);
  }
  const parlance = createParlance(config);
  const target = parlance.router.forModel(asked);
  await parlance.close();
  return target === undefined ? undefined : { name: target.backend.name, model: target.model };
}

function unknownModel(asked: string): GatewayError {
  return new GatewayError(
    'model_not_found',
    `${JSON.stringify(asked)} does not exist here: no rule under models in the configuration matches it`,
    { param: 'model' },
  );
}

interface ExplainTarget {
  readonly request: ChatCompletionRequest;
  readonly model: string;
  readonly config: LoadedConfig;
}

type UpstreamExplanation = Omit<Explanation, 'upstream' | 'model'>;

const SECRET = '(secret)';

function explainGemini(
  upstream: GeminiConfig,
  { request, model, config }: ExplainTarget,
): UpstreamExplanation {
  const media = new MediaPreview(request, (reference) => !isReadByGemini(reference, upstream.kind));
  const { body, ignored, signatures } = toGeminiRequest(
    inlineMedia(request, media),
    { upstream: upstream.kind, model },
    { ...geminiTranslateOptions(upstream, config.thoughts), unsupported: config.compat.unsupported },
  );
  const place = geminiPlace(upstream);
  const lacksProject = place.upstream === 'vertex' && place.project === undefined && !place.isExpress;
  const method = request.stream === true ? 'streamGenerateContent' : 'generateContent';
  const { origin, path } = geminiUrl(lacksProject ? { ...place, project: 'PROJECT' } : place, model, method);
  return {
    request: {
      method: 'POST',
      url: origin + path,
      headers: {
        'content-type': 'application/json',
        ...(upstream.api_key === undefined
          ? { authorization: `Bearer ${SECRET}` }
          : { 'x-goog-api-key': SECRET }),
      },
      body,
    },
    receipt: receiptOf(request, 'gemini', ignored),
    notes: [
      ...media.notes,
      ...(lacksProject ? ['PROJECT stands for the project of the credentials.'] : []),
      ...(signatures === 'dummy'
        ? [
            'A thought signature is missing and replaced by a dummy; a running server may have kept the real one.',
          ]
        : []),
    ],
  };
}

function explainEmbedded(
  upstream: DeepReadonly<EmbeddedUpstreamConfig>,
  { request, config }: ExplainTarget,
): UpstreamExplanation {
  const takesMedia = (upstream.projector ?? projectorOf(upstream.model)) !== undefined;
  const fetched = new MediaPreview(request, () => takesMedia);
  // Only names and limits of the model matter for the plan; its own template is in its file.
  const { generations, ignored } = planRequest(fetched.leaveOut(request), {
    model: {
      name: upstream.model,
      bosToken: '',
      eosToken: '',
      prependBos: false,
      controlTokens: [],
      vocabularySize: 0,
      contextSize: upstream.context_size ?? 0,
      threads: upstream.threads,
    },
    template: readTemplate(upstream),
    media: () => (takesMedia ? { images: true, audio: true } : undefined),
    unsupported: config.compat.unsupported,
    randomSeed: 0,
  });
  const [first] = generations;
  const { prompt: _prompt, sampling, media = [], ...limits } = first!;
  const allMedia = [...media.map(({ mimeType, path }) => ({ mimeType, path })), ...fetched.media];
  const { seed, ...shared } = sampling;
  return {
    plan: {
      choices: generations.length,
      sampling: { ...shared, seed: request.seed == null ? 'random' : seed },
      ...limits,
      ...(allMedia.length === 0 ? {} : { media: allMedia }),
    },
    receipt: receiptOf(request, 'embedded', ignored),
    notes: [
      ...fetched.addresses.map((address) => `${address} is fetched when the request is sent.`),
      ...(upstream.chat_template !== undefined
        ? []
        : ["What the model's own template adds, such as reasoning, is known only while the engine runs."]),
    ],
  };
}

function readTemplate({ chat_template: source }: DeepReadonly<EmbeddedUpstreamConfig>): ChatTemplate {
  try {
    return new ChatTemplate({ source, bosToken: '', eosToken: '' });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UnusableError(`The chat_template of the configuration is not valid Jinja: ${reason}`);
  }
}

function toJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function toText({ upstream, model, request, plan, receipt, notes }: Explanation): string {
  const blocks = [`Upstream ${upstream.name} (${upstream.kind}) answers with ${model}.`];
  if (request !== undefined) {
    const { method, url, headers, body } = request;
    const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    blocks.push([`${method} ${url}`, ...fields].join('\n'), JSON.stringify(body, null, 2));
  }
  if (plan !== undefined) {
    blocks.push(`What the engine is told, besides the prompt:\n\n${JSON.stringify(plan, null, 2)}`);
  }
  blocks.push(`What becomes of each field:\n\n${receiptTable(receipt)}`, ...notes);
  return `${blocks.join('\n\n')}\n`;
}

/** Length of the longest outcome. */
const OUTCOME_WIDTH = 'rewritten'.length;

function receiptTable(receipt: readonly ReceiptLine[]): string {
  const names = receipt.map(({ field, count }) => (count === 1 ? field : `${field} (${count} times)`));
  const width = Math.max(0, ...names.map((name) => name.length));
  return receipt
    .map(({ outcome, note }, index) =>
      `  ${outcome.padEnd(OUTCOME_WIDTH)}  ${names[index]!.padEnd(width)}  ${note}`.trimEnd(),
    )
    .join('\n');
}

function refusalText(error: GatewayError): string {
  const { type } = toErrorBody(error).error;
  const problems = error.problems.length > 0 ? error.problems : [error];
  const lines = problems.map(({ param, message, code }) => {
    const place = param === null ? '' : `${param}: `;
    return `  ${place}${message} (${code})`;
  });
  return `Refused with ${error.status} ${type}:\n\n${lines.join('\n')}\n`;
}
