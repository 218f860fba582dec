import { GatewayError } from '../../errors.ts';
import { locateJsonError } from './locate-json-error.ts';
import { nestsDeeperThan } from './nests-deeper-than.ts';
import { MAX_DEPTH } from './structure-checks.ts';

// Below this size no nesting can hurt the parser, and the request's validation measures depth more cheaply.
const SCAN_FROM_CHARACTERS = 65_536;

/** A request body: its JSON text as it can be passed on, and what it means. */
export interface JsonBody {
  /** Without byte order mark, and without backslashes at line ends. */
  readonly text: string;
  readonly value: unknown;
}

/** The JSON value of a request body; see {@link readJsonText}. */
export function parseJsonBody(text: string): unknown {
  return readJsonText(text).value;
}

/**
 * The JSON of a request body. Of repeated member names the last wins; a byte order mark is skipped, and so is a
 * backslash at the end of a line.
 *
 * @throws {GatewayError} `invalid_json` with line and column, or `invalid_argument` when a large body has more than
 *   {@link MAX_DEPTH} levels
 */
export function readJsonText(text: string): JsonBody {
  const json = text.startsWith('\uFEFF') ? text.slice(1) : text;
  if (json.length > SCAN_FROM_CHARACTERS && nestsDeeperThan(json, MAX_DEPTH)) {
    throw new GatewayError(
      'invalid_argument',
      `The request body is nested too deeply: at most ${MAX_DEPTH} levels of objects and arrays are allowed.`,
    );
  }
  try {
    return { text: json, value: JSON.parse(json) as unknown };
  } catch (error) {
    const continued = joinContinuedLines(json);
    if (continued !== undefined) return continued;
    throw new GatewayError('invalid_json', describeJsonError(json), { cause: error });
  }
}

/**
 * Reads a body whose lines end in a backslash, as shell commands are written and as Google's examples print theirs:
 * inside single quotes the shell passes it on. No JSON holds a backslash before a line end, so nothing else is read
 * another way.
 */
function joinContinuedLines(json: string): JsonBody | undefined {
  const joined = json.replace(/\\(?=\r?\n)/g, ' ');
  if (joined === json) return undefined;
  try {
    return { text: joined, value: JSON.parse(joined) as unknown };
  } catch {
    return undefined;
  }
}

function describeJsonError(json: string): string {
  if (json.trim() === '') return 'The request body is empty; a JSON object is expected.';
  const location = locateJsonError(json);
  if (location === undefined) return 'The request body is not valid JSON.';
  const { line, column, expected } = location;
  return `The request body is not valid JSON: expected ${expected} at line ${line}, column ${column}.`;
}
