import type { Problem } from '../../errors.ts';
import type { PathKey } from '../../wire/validation/format-json-path.ts';
import { ProblemCollector } from '../../wire/validation/problem-collector.ts';
import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';
import { effectiveMember } from './lift-extra-body.ts';
import { type MediaPart, type Modality, readMediaPart } from './media-part.ts';
import type { ServerTraits } from './server-kinds.ts';

/** What a server's model takes. A member that is absent is not known, and such content is sent. */
export interface ServerCapabilities {
  readonly images?: boolean;
  readonly audio?: boolean;
  readonly video?: boolean;
  readonly files?: boolean;
  readonly tools?: boolean;
  readonly json_schema?: boolean;
  readonly logprobs?: boolean;
}

export interface RelayTarget {
  readonly traits: ServerTraits;
  readonly capabilities: ServerCapabilities;
}

/**
 * What stands in a request that the server, or its model, cannot take, so that it is refused before it is sent. At most
 * 100 problems. Never throws, whatever the body holds.
 */
export function relayProblems(body: JsonObject, target: RelayTarget): Problem[] {
  const collector = new ProblemCollector();
  const { messages } = body;
  if (Array.isArray(messages)) checkMessages(messages, target, collector);
  checkFields(body, target, collector);
  return collector.problems;
}

function checkMessages(messages: readonly unknown[], target: RelayTarget, collector: ProblemCollector): void {
  for (let index = 0; index < messages.length && !collector.full; index++) {
    const message = messages[index];
    const content = isJsonObject(message) ? message['content'] : undefined;
    if (!Array.isArray(content)) continue;
    for (let at = 0; at < content.length; at++) {
      const media = readMediaPart(content[at]);
      if (media === undefined) continue;
      const problem = mediaProblem(media, target);
      if (problem === undefined) continue;
      const path: PathKey[] = ['messages', index, 'content', at, media.member];
      collector.reportAt(path, problem, 'unsupported_media');
    }
  }
}

const MODALITIES: Readonly<Record<Modality, { readonly one: string; readonly many: string }>> = {
  images: { one: 'an image', many: 'images' },
  audio: { one: 'audio', many: 'audio' },
  video: { one: 'a video', many: 'videos' },
  files: { one: 'a file', many: 'files' },
};

function mediaProblem({ modality }: MediaPart, { traits, capabilities }: RelayTarget): string | undefined {
  const { one, many } = MODALITIES[modality];
  if (capabilities[modality] === false)
    return `is ${one}, which the model on this ${traits.product} does not take; leave it out, or ask for a model that takes ${many}`;
  return undefined;
}

/** Top-level fields with a capability each, and what to say of one the model has not. */
const FIELDS: readonly {
  readonly name: string;
  readonly capability: 'tools' | 'json_schema' | 'logprobs';
  readonly isAsked: (value: unknown) => boolean;
  readonly cannot: string;
  readonly advice: string;
}[] = [
  {
    name: 'tools',
    capability: 'tools',
    isAsked: isFilledArray,
    cannot: 'cannot be used by the model',
    advice: 'leave it out',
  },
  {
    name: 'functions',
    capability: 'tools',
    isAsked: isFilledArray,
    cannot: 'cannot be used by the model',
    advice: 'leave it out',
  },
  {
    name: 'response_format',
    capability: 'json_schema',
    isAsked: isJsonSchemaFormat,
    cannot: 'of type json_schema cannot be enforced for the model',
    advice: 'send {"type":"json_object"} and describe the JSON in a message',
  },
  {
    name: 'logprobs',
    capability: 'logprobs',
    isAsked: (value) => value === true,
    cannot: 'cannot be had of the model',
    advice: 'leave it out',
  },
];

function checkFields(
  body: JsonObject,
  { traits, capabilities }: RelayTarget,
  collector: ProblemCollector,
): void {
  for (const { name, capability, isAsked, cannot, advice } of FIELDS) {
    if (capabilities[capability] !== false) continue;
    const { value, path } = effectiveMember(body, name);
    if (!isAsked(value)) continue;
    const message = `${cannot} on this ${traits.product}; ${advice}, or ask for another model`;
    collector.reportAt(path, message, 'unsupported_parameter');
  }
}

function isFilledArray(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

function isJsonSchemaFormat(format: unknown): boolean {
  return (isJsonObject(format) ? format['type'] : format) === 'json_schema';
}
