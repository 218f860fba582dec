import { readFile } from 'node:fs/promises';
import { parseJson } from '../../wire/json-text/parse-json.ts';
import { isJsonObject } from '../../wire/validation/structure-checks.ts';
import { CredentialFault } from './credential-fault.ts';
import type { CredentialMembers } from './credential-members.ts';
import { describeUrl, requestText, type TokenContext } from './token-request.ts';

/** The identity a workload has outside Google Cloud, as its own platform certifies it. */
export type SubjectToken = (context: TokenContext) => Promise<string>;

/** A token in a file, such as a projected token of Kubernetes. It is read anew each time, because it rotates. */
export function readFileSource(source: CredentialMembers): SubjectToken {
  const path = source.text('file');
  const extract = readFormat(source);
  return async () => {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new CredentialFault(
        `The token file ${path} cannot be read (${error.code}). Check that it is mounted and readable.`,
      );
    });
    return extract(text, path);
  };
}

/** A token behind a URL, such as Azure's metadata service or the token service of a CI system. */
export function readUrlSource(source: CredentialMembers): SubjectToken {
  const url = source.url('url');
  const headers = source.texts('headers');
  const extract = readFormat(source);
  return async (context) => {
    const advice = 'Check "credential_source" in the file.';
    return extract(await requestText({ url, headers, advice }, context), describeUrl(url));
  };
}

/** How the token stands in the text: alone, or as a member of a JSON object. */
function readFormat(source: CredentialMembers): (text: string, place: string) => string {
  const format = source.optionalObject('format');
  const type = format?.optionalText('type') ?? 'text';
  if (format === undefined || type === 'text') return (text, place) => checkFound(text.trim(), place);
  if (type !== 'json') throw format.fault('type', 'is neither "text" nor "json"');
  const member = format.text('subject_token_field_name');
  return (text, place) => {
    const json = parseJson(text);
    return checkFound(isJsonObject(json) ? json[member] : undefined, place);
  };
}

function checkFound(token: unknown, place: string): string {
  if (typeof token === 'string' && token !== '') return token;
  throw new CredentialFault(`${place} holds no token. Check "credential_source" in the file.`);
}
