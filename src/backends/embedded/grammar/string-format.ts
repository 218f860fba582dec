/**
 * The values of `format` that are enforced on strings, as patterns.
 *
 * Each pattern describes a part of its format, never more: years 1000 to 2999, February without its 29th, short host
 * labels, http-like URIs. All other formats are annotations (JSON Schema 2020-12 validation, section 7.2.1).
 */
import type { Automaton } from './automaton.ts';
import { patternAutomaton } from './pattern-automaton.ts';
import { WorkBudget } from './work-budget.ts';

const DATE = String.raw`[12]\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))`;
const TIME = String.raw`(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)`;
const OCTET = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`;
const GROUP = '[0-9a-fA-F]{1,4}';
const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,14}[a-zA-Z0-9])?';
const HOST = '[a-zA-Z0-9]+(?:[.-][a-zA-Z0-9]+)*';
const URI_CHARACTER = String.raw`(?:[a-zA-Z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})`;

const PATTERNS: ReadonlyMap<string, string> = new Map([
  ['date', DATE],
  ['time', TIME],
  ['date-time', `${DATE}T${TIME}`],
  [
    'duration',
    String.raw`P(?:\d{1,4}D|(?:\d{1,4}D)?T(?:\d{1,4}H(?:\d{1,4}M)?(?:\d{1,4}S)?|\d{1,4}M(?:\d{1,4}S)?|\d{1,4}S))`,
  ],
  ['uuid', '[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}'],
  [
    'email',
    String.raw`[a-zA-Z0-9_+-]+(?:\.[a-zA-Z0-9_+-]+)*@(?:[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*\.)+[a-zA-Z]{2,8}`,
  ],
  ['hostname', String.raw`${LABEL}(?:\.${LABEL}){0,4}`],
  ['ipv4', String.raw`${OCTET}(?:\.${OCTET}){3}`],
  [
    'ipv6',
    [
      `(?:${GROUP}:){7}${GROUP}`,
      `(?:${GROUP}:){1,6}:${GROUP}`,
      `(?:${GROUP}:){1,5}(?::${GROUP}){2}`,
      `(?:${GROUP}:){1,4}(?::${GROUP}){3}`,
      `(?:${GROUP}:){1,7}:`,
      `::(?:${GROUP}(?::${GROUP}){0,6})?`,
    ].join('|'),
  ],
  [
    'uri',
    `[a-zA-Z][a-zA-Z0-9+.-]{1,15}://${HOST}(?::[1-9][0-9]{1,3})?(?:/${URI_CHARACTER}*)*` +
      `(?:[?](?:${URI_CHARACTER}|[/?])*)?(?:#(?:${URI_CHARACTER}|[/?])*)?`,
  ],
]);

const automata = new Map<string, Automaton>();

/** The automaton of a format; `undefined` when the format is not enforced. */
export function formatAutomaton(format: string): Automaton | undefined {
  const pattern = PATTERNS.get(format);
  if (pattern === undefined) return undefined;
  const known = automata.get(format);
  if (known !== undefined) return known;
  const automaton = patternAutomaton(`^(?:${pattern})$`, new WorkBudget(2_000_000));
  automata.set(format, automaton);
  return automaton;
}
