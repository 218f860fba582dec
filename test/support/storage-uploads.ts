/** The three ways in which clients of Cloud Storage's JSON API upload an object. */
import type { ObjectFields } from './stored-objects.ts';

export interface UploadRequest {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** What an upload has come to. */
export type UploadState =
  | { readonly kind: 'done'; readonly name: string; readonly fields: ObjectFields; readonly content: Buffer }
  /** A session has begun. */
  | { readonly kind: 'begun'; readonly uploadId: string }
  /** More is to come. */
  | { readonly kind: 'incomplete'; readonly received: number }
  | { readonly kind: 'wrong'; readonly status: number; readonly message: string };

interface Session {
  readonly name: string;
  readonly fields: ObjectFields;
  content: Buffer;
}

interface NamedFields extends ObjectFields {
  readonly name?: string;
}

const CONTENT_RANGE = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/;

export class StorageUploads {
  readonly #sessions = new Map<string, Session>();

  receive(request: UploadRequest): UploadState {
    const { query } = request;
    const uploadId = query.get('upload_id');
    if (uploadId !== null) return this.#continue(uploadId, request);
    switch (query.get('uploadType')) {
      case 'media':
        return takeMedia(request);
      case 'multipart':
        return takeMultipart(request);
      case 'resumable':
        return this.#begin(request);
      default:
        return wrong(400, 'Upload type is missing or unknown.');
    }
  }

  #begin({ query, headers, body }: UploadRequest): UploadState {
    const fields: NamedFields = body.length === 0 ? {} : (JSON.parse(body.toString()) as NamedFields);
    const name = fields.name ?? query.get('name');
    if (name === null) return wrong(400, 'Required parameter: name');
    const contentType = fields.contentType ?? textOf(headers['x-upload-content-type']);
    const uploadId = `upload-${this.#sessions.size + 1}`;
    this.#sessions.set(uploadId, { name, fields: { ...fields, contentType }, content: Buffer.alloc(0) });
    return { kind: 'begun', uploadId };
  }

  #continue(uploadId: string, { headers, body }: UploadRequest): UploadState {
    const session = this.#sessions.get(uploadId);
    if (session === undefined) return wrong(404, 'No such upload session.');
    const range = CONTENT_RANGE.exec(textOf(headers['content-range']) || `bytes */${body.length}`);
    if (range === null) return wrong(400, 'The content-range cannot be read.');
    const [, first, , total = '*'] = range;
    if (first !== undefined && Number(first) !== session.content.length)
      return wrong(503, `Expected byte ${session.content.length}.`);
    session.content = Buffer.concat([session.content, body]);
    const received = session.content.length;
    if (total === '*' || received < Number(total)) return { kind: 'incomplete', received };
    return { kind: 'done', ...session };
  }
}

function takeMedia({ query, headers, body }: UploadRequest): UploadState {
  const name = query.get('name');
  if (name === null) return wrong(400, 'Required parameter: name');
  return { kind: 'done', name, fields: { contentType: textOf(headers['content-type']) }, content: body };
}

/** RFC 2387: the metadata as JSON, then the content. */
function takeMultipart({ query, headers, body }: UploadRequest): UploadState {
  const boundary = /boundary=(["']?)([^"';]+)\1/.exec(textOf(headers['content-type']))?.[2];
  if (boundary === undefined) return wrong(400, 'The boundary is missing.');
  const [metadata, media] = partsOf(body, boundary);
  if (metadata === undefined || media === undefined) return wrong(400, 'Two parts are needed.');
  const fields = JSON.parse(metadata.content.toString()) as NamedFields;
  const name = fields.name ?? query.get('name');
  if (name === null) return wrong(400, 'Required parameter: name');
  const contentType = fields.contentType ?? media.contentType;
  return { kind: 'done', name, fields: { ...fields, contentType }, content: media.content };
}

interface Part {
  readonly contentType: string;
  readonly content: Buffer;
}

/** Lines end with CR LF, or with LF alone, as gcloud writes them. */
function partsOf(body: Buffer, boundary: string): Part[] {
  const delimiter = `--${boundary}`;
  const newline = body.includes(`${delimiter}\r\n`) ? '\r\n' : '\n';
  const parts: Part[] = [];
  for (let start = body.indexOf(delimiter); ;) {
    const blankLine = body.indexOf(newline + newline, start);
    const end = body.indexOf(newline + delimiter, start);
    if (start === -1 || end === -1) return parts;
    const head = body.toString('latin1', start, blankLine);
    const contentType = /^content-type:\s*(.*?)\s*$/im.exec(head)?.[1] ?? '';
    parts.push({ contentType, content: body.subarray(blankLine + 2 * newline.length, end) });
    start = end + newline.length;
  }
}

function wrong(status: number, message: string): UploadState {
  return { kind: 'wrong', status, message };
}

function textOf(header: string | string[] | undefined): string {
  return typeof header === 'string' ? header : '';
}
