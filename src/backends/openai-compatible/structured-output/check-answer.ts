import { SchemaProblem } from '../../../translate/request/schema-document.ts';
import { JsonFence } from '../../../translate/events/json-fence.ts';
import { formatJsonPath } from '../../../wire/validation/format-json-path.ts';
import { locateJsonError } from '../../../wire/validation/locate-json-error.ts';
import { nestsDeeperThan } from '../../../wire/validation/nests-deeper-than.ts';
import type { CheckOrder, CheckOutcome } from './check-protocol.ts';
import { findProblems } from './find-problems.ts';
import { normalizeSchema, type NormalSchema } from './normalize-schema.ts';
import { problemAt, type SchemaVerdict } from './schema-verdict.ts';

/** Objects and arrays inside one another; as many as a request may have would do, and the call stack holds more. */
const MAX_LEVELS = 256;

/** The fence is sought in pieces: a search over much white space at once takes quadratic time. */
const PIECE = 1024;

/**
 * Carries out one order. Blocks for as long as the schema takes: not for the server's own thread.
 */
export function performCheck({ schema, text }: CheckOrder): CheckOutcome {
  try {
    const normal = normalizeSchema(JSON.parse(schema));
    if (text !== undefined) return { kind: 'verdict', verdict: checkAnswer(text, normal) };
    // References that never get to a part of the value have no end, whatever the value.
    findProblems(null, normal);
    return { kind: 'usable' };
  } catch (error) {
    if (error instanceof SchemaProblem) return { kind: 'unusable', message: describe(error) };
    if (error instanceof RangeError) {
      return {
        kind: 'unusable',
        message: 'it refers to itself without end, or has too many alternatives to be checked',
      };
    }
    // Patterns are compiled when they are first used, and the engine has a limit on the size.
    if (error instanceof SyntaxError) return { kind: 'unusable', message: 'a pattern in it is too large' };
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Holds the text of an answer against a schema. Of repeated property names the last counts, as in the parsers of
 * JavaScript and Python. A number beyond the range of a double is a number, but no integer.
 *
 * @throws {RangeError} see {@link findProblems}
 */
function checkAnswer(text: string, schema: NormalSchema): SchemaVerdict {
  const json = withoutFence(text);
  if (nestsDeeperThan(json, MAX_LEVELS)) {
    return mismatch([problemAt('', `must not nest deeper than ${MAX_LEVELS} levels`)]);
  }
  const parsed = parse(json);
  if (parsed === undefined) {
    return { valid: false, reason: 'not-json', problems: [problemAt('', describeSyntax(json))] };
  }
  try {
    const problems = findProblems(parsed.value, schema);
    return problems.length === 0 ? { valid: true, json } : mismatch(problems);
  } catch (error) {
    // The validator's pointers are URIs, which cannot hold half a character.
    if (!(error instanceof URIError)) throw error;
    return mismatch([problemAt('', 'must not have a property name with a lone surrogate, such as \\ud800')]);
  }
}

function mismatch(problems: readonly string[]): SchemaVerdict {
  return { valid: false, reason: 'mismatch', problems };
}

function withoutFence(text: string): string {
  const fence = new JsonFence();
  // A model that loops often writes white space.
  const trimmed = text.trimEnd();
  const kept: string[] = [];
  for (let at = 0; at < trimmed.length; at += PIECE) kept.push(fence.push(trimmed.slice(at, at + PIECE)));
  kept.push(fence.end());
  return fence.openingLength === 0 ? text : kept.join('');
}

function parse(json: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(json) };
  } catch {
    return undefined;
  }
}

function describeSyntax(json: string): string {
  if (json.trim() === '') return 'must be JSON, but is empty';
  const place = locateJsonError(json);
  if (place === undefined) return 'must be JSON';
  return `must be JSON: expected ${place.expected} at line ${place.line}, column ${place.column}`;
}

function describe({ path, message }: SchemaProblem): string {
  const place = formatJsonPath(path);
  return place === null ? message : `at ${place}: ${message}`;
}
