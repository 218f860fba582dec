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

function mediaProblem(
  { modality, references }: MediaPart,
  { traits, capabilities }: RelayTarget,
): string | undefined {
  const { one, many } = MODALITIES[modality];
  if (capabilities[modality] === false)
    return `is ${one}, which the model on this ${traits.product} does not take; leave it out, or ask for a model that takes ${many}`;
  if (references.some((reference) => /^gs:/i.test(reference)))
    return `refers to an object of Google Cloud Storage, which this version does not fetch for a model on ${traits.product}; send a data URI`;
  if (!traits.readsMediaUrls && references.some((reference) => /^https?:/i.test(reference)))
    return `is an address on the web, which ${traits.product} does not fetch; send a data URI`;
  return undefined;
}

/** Top-level fields with a capability each. */
function checkFields(
  body: JsonObject,
  { traits, capabilities }: RelayTarget,
  collector: ProblemCollector,
): void {
  const check = (name: string, isAsked: (value: unknown) => boolean, problem: string): void => {
    const { value, path } = effectiveMember(body, name);
    if (isAsked(value))
      collector.reportAt(path, `${problem} on this ${traits.product}`, 'unsupported_parameter');
  };
  if (capabilities.tools === false) {
    const problem = 'cannot be used: leave it out, or ask for another model than the one';
    check('tools', isFilledArray, problem);
    check('functions', isFilledArray, problem);
  }
  if (capabilities.json_schema === false) {
    check(
      'response_format',
      isJsonSchemaFormat,
      'of type json_schema cannot be enforced: send {"type":"json_object"} and describe the JSON in a message, or ask for another model than the one',
    );
  }
  if (capabilities.logprobs === false) {
    check(
      'logprobs',
      (value) => value === true,
      'cannot be had: leave it out, or ask for another model than the one',
    );
  }
}

function isFilledArray(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

function isJsonSchemaFormat(format: unknown): boolean {
  return (isJsonObject(format) ? format['type'] : format) === 'json_schema';
}
