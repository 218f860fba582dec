/**
 * The media engine's process: a second child of the server, for requests with images or audio. It speaks the messages
 * of `engine/protocol.ts` and answers one request at a time. Started by `engine-supervisor.ts`; ends with it.
 */
import type {
  FromEngine,
  GenerationFailure,
  GenerationPlan,
  MediaEngineOptions,
  MediaModel,
  Medium,
  ToEngine,
} from '../engine/protocol.ts';
import { endWithServer, leaveWith } from '../engine/process-end.ts';
import { ThoughtWatch } from '../engine/thought-watch.ts';
import { MediaBinding, type MediaPrompt } from './media-binding.ts';
import { joinPieces, withTrigger } from './media-prompt.ts';
import { prepareImage } from './prepare-image.ts';

interface Job {
  readonly id: number;
  readonly plan: GenerationPlan;
  isCancelled: boolean;
}

/** A medium that a job cannot be answered without. */
class UnreadableMedium extends Error {
  override readonly name = 'UnreadableMedium';
  readonly path: string;

  constructor(path: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.path = path;
  }
}

const jobs = new Map<number, Job>();
let engine: { binding: MediaBinding; options: MediaEngineOptions } | undefined;
/** The job that is being answered, with all before it. */
let last: Promise<void> = Promise.resolve();
let running: Job | undefined;

function send(message: FromEngine<MediaModel>): void {
  if (process.connected) process.send?.(message);
}

function load(options: MediaEngineOptions): void {
  try {
    const binding = new MediaBinding(options);
    engine = { binding, options };
    send({ type: 'loaded', model: binding.facts });
  } catch (error) {
    leaveWith({ type: 'load-failed', message: messageOf(error) });
  }
}

function accept(id: number, plan: GenerationPlan): void {
  const job: Job = { id, plan, isCancelled: false };
  jobs.set(id, job);
  last = last.then(() => run(job));
}

async function run(job: Job): Promise<void> {
  running = job;
  try {
    await answer(job);
  } catch (error) {
    const message: FromEngine = { type: 'failed', job: job.id, failure: failureOf(error) };
    if (error instanceof UnreadableMedium) send(message);
    else leaveWith(message);
  } finally {
    running = undefined;
    jobs.delete(job.id);
  }
}

async function answer(job: Job): Promise<void> {
  if (engine === undefined) throw new Error('generate before load');
  const { binding, options } = engine;
  const { plan } = job;
  const prompt = await readPrompt(plan, options.imageSide);
  const promptTokens = job.isCancelled ? 0 : await countTokens(binding, prompt, plan.media);
  if (job.isCancelled) {
    send({ type: 'finished', job: job.id, reason: 'cancelled', generatedTokens: 0, thoughtTokens: 0 });
    return;
  }
  const { contextSize } = binding;
  // One place must be left for the answer.
  if (promptTokens >= contextSize - 1) {
    send({
      type: 'failed',
      job: job.id,
      failure: { kind: 'context-overflow', promptTokens, contextSize },
    });
    return;
  }
  send({ type: 'started', job: job.id, promptTokens, cachedTokens: 0 });
  const thoughts = plan.thoughts === undefined ? undefined : new ThoughtWatch(plan.thoughts);
  let sent = 0;
  const say = (text: string): void => {
    if (text === '') return;
    sent += text.length;
    thoughts?.push(text);
    send({ type: 'tokens', job: job.id, tokens: [{ text }] });
  };
  const room = contextSize - 1 - promptTokens;
  const { text, tokens, reason } = await binding.complete(
    prompt,
    {
      maxTokens: Math.min(plan.maxTokens ?? room, room),
      sampling: plan.sampling,
      stop: plan.stop,
      ...(plan.grammar === undefined ? {} : { grammar: withTrigger(plan.grammar) }),
    },
    say,
  );
  // What could have been the beginning of a stop sequence is told at the end.
  if (reason !== 'cancelled') say(text.slice(sent));
  send({
    type: 'finished',
    job: job.id,
    reason,
    generatedTokens: tokens,
    thoughtTokens: thoughts?.tokens ?? 0,
  });
}

async function readPrompt(plan: GenerationPlan, imageSide: number): Promise<MediaPrompt> {
  const media: string[] = [];
  for (const medium of plan.media ?? []) media.push(await prepare(medium, imageSide));
  return { text: joinPieces(plan.prompt), media };
}

async function prepare({ kind, mimeType, data, path }: Medium, imageSide: number): Promise<string> {
  if (kind === 'audio') return `data:${mimeType};base64,${data}`;
  try {
    return await prepareImage(data, mimeType, imageSide);
  } catch (error) {
    throw new UnreadableMedium(path, error);
  }
}

/** Counting decodes the media: here it shows which of them are damaged. */
async function countTokens(
  binding: MediaBinding,
  prompt: MediaPrompt,
  media: readonly Medium[] = [],
): Promise<number> {
  try {
    return await binding.countTokens(prompt);
  } catch (error) {
    throw new UnreadableMedium(media[0]?.path ?? 'messages', error);
  }
}

function failureOf(error: unknown): GenerationFailure {
  return error instanceof UnreadableMedium
    ? { kind: 'unreadable-media', path: error.path, message: error.message }
    : { kind: 'internal', message: messageOf(error) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

process.on('message', (message: ToEngine) => {
  switch (message.type) {
    case 'load':
      load(message.options as MediaEngineOptions);
      return;
    case 'generate':
      accept(message.job, message.plan);
      return;
    case 'cancel': {
      const job = jobs.get(message.job);
      if (job === undefined) return;
      job.isCancelled = true;
      if (job === running) engine?.binding.stop();
      return;
    }
    // Nothing can hold the native loop up; what it writes is short and waits in the server.
    case 'pause':
    case 'resume':
  }
});

endWithServer();
