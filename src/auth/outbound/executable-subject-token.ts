import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { parseJson } from '../../wire/json-text/parse-json.ts';
import { isJsonObject } from '../../wire/validation/structure-checks.ts';
import { CredentialFault } from './credential-fault.ts';
import type { CredentialMembers } from './credential-members.ts';
import type { SubjectToken } from './subject-token.ts';
import { presentable, type TokenContext } from './token-request.ts';

const PERMISSION = 'GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES';
const DEFAULT_TIMEOUT_MS = 30_000;
const MIN_TIMEOUT_MS = 5000;
const MAX_TIMEOUT_MS = 120_000;

/**
 * A token printed by a program, in the format of Google's "executable-sourced credentials". The program runs without a
 * shell, and only where the environment allows it, because whoever can write the file could otherwise run anything.
 *
 * @param variables what the program is told, in its environment
 */
export function readExecutableSource(
  executable: CredentialMembers,
  variables: Readonly<Record<string, string>>,
): SubjectToken {
  const [program, ...programArguments] = splitCommand(executable.text('command'));
  if (program === undefined) throw executable.fault('command', 'names no program');
  const timeout =
    executable.optionalNumber('timeout_millis', MIN_TIMEOUT_MS, MAX_TIMEOUT_MS) ?? DEFAULT_TIMEOUT_MS;
  const outputFile = executable.optionalText('output_file');

  return async (context) => {
    if (context.env[PERMISSION] !== '1') {
      throw new CredentialFault(
        `The file wants to run ${program}, which is not allowed. Set ${PERMISSION}=1 if you trust the file.`,
      );
    }
    const cached = outputFile === undefined ? undefined : await readOutputFile(outputFile, context);
    if (cached !== undefined) return cached;
    const env = {
      ...context.env,
      ...variables,
      GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE: '0',
      ...(outputFile !== undefined && { GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE: outputFile }),
    };
    const output = await run(program, programArguments, { env, timeout, signal: context.signal });
    return readResponse(parseJson(output), program, context);
  };
}

/** At spaces, except between double quotes. */
function splitCommand(command: string): string[] {
  return (command.match(/(?:[^\s"]+|"[^"]*")+/g) ?? []).map((word) => word.replace(/^"(.*)"$/, '$1'));
}

interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

function run(program: string, programArguments: readonly string[], options: RunOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, programArguments, { ...options, windowsHide: true }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else if (options.signal.aborted) reject(options.signal.reason);
      else {
        // What it printed may be half of a token, so only the way it ended is told.
        const end =
          error.killed === true ? `did not end within ${options.timeout} ms` : `failed (${error.code})`;
        reject(new CredentialFault(`${program} ${end}. Run it by hand to see why.`));
      }
    });
  });
}

/** The response of an earlier run, unless there is none that still holds. */
async function readOutputFile(path: string, context: TokenContext): Promise<string | undefined> {
  const json = parseJson(await readFile(path, 'utf8').catch(() => ''));
  if (!isJsonObject(json) || json['success'] !== true || typeof json['expiration_time'] !== 'number') {
    return undefined;
  }
  return isExpired(json['expiration_time'], context) ? undefined : readResponse(json, path, context);
}

function readResponse(json: unknown, place: string, context: TokenContext): string {
  if (!isJsonObject(json)) throw new CredentialFault(`${place} printed something that is not a JSON object.`);
  const { success, code, message, token_type: type, expiration_time: expiration } = json;
  if (success !== true) {
    throw new CredentialFault(`${place} reports ${presentable(`${String(code)}: ${String(message)}`)}.`);
  }
  const member = type === 'urn:ietf:params:oauth:token-type:saml2' ? 'saml_response' : 'id_token';
  const token = json[member];
  if (typeof token !== 'string' || token === '') {
    throw new CredentialFault(`The response of ${place} has no "${member}".`);
  }
  if (typeof expiration === 'number' && isExpired(expiration, context)) {
    throw new CredentialFault(`The token of ${place} has expired already.`);
  }
  return token;
}

/** @param expiration seconds since the epoch */
function isExpired(expiration: number, context: TokenContext): boolean {
  return expiration * 1000 <= context.now();
}
