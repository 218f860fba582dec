/**
 * An emulator of Cloud Storage on loopback: as much of the JSON API as the official clients use to write, list, read
 * and delete objects. What it keeps is in memory.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { StorageUploads } from './storage-uploads.ts';
import {
  bucketResource,
  type ObjectFields,
  objectResource,
  type StoredObject,
  storedObject,
} from './stored-objects.ts';

export interface StorageEmulator extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, for `STORAGE_EMULATOR_HOST`. */
  readonly url: string;
  /** `METHOD /path?query` of every request. */
  readonly requests: readonly string[];
  /** Keeps an object; makes the bucket where there is none. */
  put(place: { bucket: string; name: string }, content: string | Buffer, fields?: ObjectFields): void;
  /** From now on the bucket's objects are read with this `authorization` header only. */
  restrict(bucket: string, authorization: string): void;
  close(): Promise<void>;
}

interface Bucket {
  readonly objects: Map<string, StoredObject>;
  reader?: string;
}

interface Call {
  readonly method: string;
  readonly origin: string;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly body: Buffer;
  readonly response: ServerResponse;
}

export async function startStorageEmulator(): Promise<StorageEmulator> {
  const contents = new EmulatorContents();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    void contents.handle(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    put: (place, content, fields = {}) => contents.put(storedObject(place, Buffer.from(content), fields)),
    restrict: (bucket, authorization) => contents.restrict(bucket, authorization),
    close,
    [Symbol.asyncDispose]: close,
  };
}

const PATH = /^(\/upload|\/download)?\/storage\/v1\/b(?:\/([^/]+)(\/o(?:\/(.+))?)?)?$/;

class EmulatorContents {
  readonly #buckets = new Map<string, Bucket>();
  readonly #uploads = new StorageUploads();

  put(stored: StoredObject): void {
    const bucket = this.#buckets.get(stored.bucket) ?? { objects: new Map() };
    this.#buckets.set(stored.bucket, bucket);
    bucket.objects.set(stored.name, stored);
  }

  restrict(bucket: string, authorization: string): void {
    const restricted = this.#buckets.get(bucket);
    if (restricted === undefined) throw new RangeError(`no bucket ${bucket}`);
    restricted.reader = authorization;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const [path = '', query = ''] = url.split('?', 2);
    const call: Call = {
      method,
      origin: `http://${headers.host}`,
      query: new URLSearchParams(query),
      request,
      body: await buffer(request),
      response,
    };
    const [isKnown, service, bucketName, ofObjects, objectName] = PATH.exec(path) ?? [];
    if (isKnown === undefined) refuse(call, 404, 'Not Found');
    else if (bucketName === undefined) this.#handleBuckets(call);
    else {
      const name = decodeURIComponent(bucketName);
      const bucket = this.#buckets.get(name);
      if (bucket === undefined) refuse(call, 404, 'The specified bucket does not exist.');
      else if (service === '/upload') this.#upload(call, name);
      else if (objectName !== undefined)
        this.#handleObject(call, bucket, [name, decodeURIComponent(objectName)]);
      else if (ofObjects !== undefined) list(call, bucket);
      else this.#handleBucket(call, name);
    }
  }

  #handleBuckets(call: Call): void {
    if (call.method === 'GET') {
      const items = [...this.#buckets.keys()].map((name) => bucketResource(name, call.origin));
      answer(call, 200, { kind: 'storage#buckets', items });
      return;
    }
    const { name } = JSON.parse(call.body.toString()) as { name: string };
    if (this.#buckets.has(name)) {
      refuse(call, 409, 'Your previous request to create the named bucket succeeded and you already own it.');
      return;
    }
    this.#buckets.set(name, { objects: new Map() });
    answer(call, 200, bucketResource(name, call.origin));
  }

  #handleBucket(call: Call, name: string): void {
    if (call.method === 'DELETE') {
      this.#buckets.delete(name);
      call.response.writeHead(204).end();
      return;
    }
    answer(call, 200, bucketResource(name, call.origin));
  }

  #handleObject(call: Call, bucket: Bucket, [bucketName, name]: [string, string]): void {
    const stored = bucket.objects.get(name);
    const { authorization } = call.request.headers;
    if (bucket.reader !== undefined && bucket.reader !== authorization) {
      const who = authorization === undefined ? 'Anonymous caller' : 'somebody@example.com';
      const status = authorization === undefined ? 401 : 403;
      refuse(call, status, `${who} ${NO_ACCESS}`);
    } else if (stored === undefined) refuse(call, 404, `No such object: ${bucketName}/${name}`);
    else if (call.method === 'DELETE') {
      bucket.objects.delete(name);
      call.response.writeHead(204).end();
    } else if (call.query.get('alt') === 'media') sendContent(call, stored);
    else answer(call, 200, objectResource(stored, call.origin));
  }

  #upload(call: Call, bucket: string): void {
    const { method, query, body, response } = call;
    const state = this.#uploads.receive({ method, query, body, headers: call.request.headers });
    switch (state.kind) {
      case 'wrong':
        refuse(call, state.status, state.message);
        break;
      case 'begun': {
        const path = `/upload/storage/v1/b/${encodeURIComponent(bucket)}/o`;
        const location = `${call.origin}${path}?uploadType=resumable&upload_id=${state.uploadId}`;
        response
          .writeHead(200, { location, 'x-guploader-uploadid': state.uploadId, 'content-length': 0 })
          .end();
        break;
      }
      case 'incomplete': {
        const range = state.received === 0 ? {} : { range: `bytes=0-${state.received - 1}` };
        response.writeHead(308, 'Resume Incomplete', { ...range, 'content-length': 0 }).end();
        break;
      }
      case 'done': {
        const stored = storedObject({ bucket, name: state.name }, state.content, state.fields);
        this.put(stored);
        answer(call, 200, objectResource(stored, call.origin));
      }
    }
  }
}

const NO_ACCESS =
  "does not have storage.objects.get access to the Google Cloud Storage object. Permission 'storage.objects.get' denied on resource (or it may not exist).";

function list({ query, origin, ...call }: Call, { objects }: Bucket): void {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const prefixes = new Set<string>();
  const items: unknown[] = [];
  for (const name of [...objects.keys()].sort()) {
    if (!name.startsWith(prefix)) continue;
    const end = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
    if (end === -1) items.push(objectResource(objects.get(name) as StoredObject, origin));
    else prefixes.add(name.slice(0, end + delimiter.length));
  }
  answer(call, 200, { kind: 'storage#objects', items, prefixes: [...prefixes] });
}

/** Compressed objects are decompressed unless the reader or the object forbids it. */
function sendContent({ request, response }: Call, stored: StoredObject): void {
  const { content, contentType, contentEncoding, cacheControl, generation } = stored;
  const accepted = request.headers['accept-encoding'] ?? '';
  const isTranscoded =
    contentEncoding === 'gzip' &&
    !accepted.includes('gzip') &&
    cacheControl?.includes('no-transform') !== true;
  const encoding =
    isTranscoded || contentEncoding === undefined ? {} : { 'content-encoding': contentEncoding };
  response.writeHead(200, {
    'content-type': contentType || 'application/octet-stream',
    ...encoding,
    ...(isTranscoded ? {} : { 'content-length': content.length }),
    'x-goog-generation': generation,
    'x-goog-hash': `crc32c=${stored.crc32c},md5=${stored.md5Hash}`,
    'x-goog-stored-content-encoding': contentEncoding ?? 'identity',
    'x-goog-stored-content-length': content.length,
  });
  response.end(isTranscoded ? gunzipSync(content) : content);
}

function answer({ response }: Pick<Call, 'response'>, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' }).end(JSON.stringify(body));
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'invalid',
  401: 'required',
  403: 'forbidden',
  404: 'notFound',
  409: 'conflict',
};

/** Errors of reading content are plain text, all others JSON. */
function refuse(call: Call, status: number, message: string): void {
  if (call.query.get('alt') === 'media') {
    call.response.writeHead(status, { 'content-type': 'text/html; charset=UTF-8' }).end(message);
    return;
  }
  const reason = REASONS[status] ?? 'backendError';
  answer(call, status, { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } });
}
