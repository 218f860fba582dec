import type { TextEdits } from '../../wire/json-text/text-edits.ts';
import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';
import type { ChangeLog } from './change-log.ts';

/**
 * Top-level fields that Parlance has read and acted upon before a request is sent: it chose the upstream by the model, it
 * checked the messages, it answers as a stream or not. What `extra_body` says of them would contradict that.
 */
const SETTLED: ReadonlySet<string> = new Set(['model', 'messages', 'stream']);

/** The places of `extra_body`, the one that counts more last: clients of an SDK that adds it double it by mistake. */
const PLACES: readonly (readonly string[])[] = [['extra_body'], ['extra_body', 'extra_body']];

/** A member of a request after `extra_body` is lifted, and where it stood before. */
export interface EffectiveMember {
  readonly value: unknown;
  readonly path: readonly string[];
}

/** What the server will find at the top level under a name. Not for the names that are never lifted. */
export function effectiveMember(body: JsonObject, name: string): EffectiveMember {
  let found: EffectiveMember = { value: body[name], path: [name] };
  let level = body['extra_body'];
  for (const place of PLACES) {
    if (!isJsonObject(level)) break;
    if (Object.hasOwn(level, name)) found = { value: level[name], path: [...place, name] };
    level = level['extra_body'];
  }
  return found;
}

/**
 * Takes `extra_body` out of a request. SDKs of OpenAI merge its members into the body last, so each stands at the top
 * level afterwards and counts more than one that the client wrote there. Contract sections 4.1 and 12.
 *
 * @returns the members to set at the top level, as JSON text
 */
export function liftExtraBody(edits: TextEdits, rootStart: number, log: ChangeLog): Map<string, string> {
  const lifted = new Map<string, string>();
  const root = edits.object(rootStart);
  let span = root.find('extra_body');
  for (const place of PLACES) {
    if (span === undefined || edits.text[span.valueStart] !== '{') break;
    const level = edits.object(span.valueStart);
    span = undefined;
    // Of a repeated name the last is meant.
    for (const [name, member] of new Map(level.members.map((each) => [each.name, each]))) {
      const json = edits.valueText(member);
      const path = [...place, name];
      if (name === 'extra_body' && place.length < PLACES.length && json.startsWith('{')) {
        span = member;
      } else if (name === 'google' || name === 'extra_body') {
        if (json !== 'null') log.ignore(path, name === 'google' ? 'meant for Gemini' : 'nothing to lift');
      } else if (SETTLED.has(name)) {
        log.ignore(path, `${name} counts as it stands at the top level`);
      } else {
        lifted.set(name, json);
        log.record(path, 'lifted', `sent as ${name} at the top level`);
      }
    }
  }
  root.remove('extra_body');
  return lifted;
}
