/** The groups `fetch` and `storage`: media that requests refer to. Contract section 3.2. */
import { z } from 'zod';
import { isBucketName } from '../media/storage/parse-bucket-uri.ts';
import { oneOf, onOff, wholeNumber } from './value-schemas.ts';

const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;
const MINUTE_MS = 60_000;

const HOST_GLOB = /^[a-z0-9*](?:[a-z0-9.*-]*[a-z0-9*])?$/i;

const hosts = (description: string) =>
  z
    .array(
      z
        .string()
        .refine(
          (host) => HOST_GLOB.test(host),
          'must be a host name such as `example.com` or `*.example.com`, without scheme, port or path',
        ),
    )
    .default([])
    .describe(description);

export const fetchSchema = z.strictObject({
  max_bytes: wholeNumber(
    { min: KIBIBYTE, max: 1024 * MEBIBYTE },
    'Longest medium in bytes. The default is 20 MiB.',
  ).default(20 * MEBIBYTE),
  timeout_ms: wholeNumber(
    { min: 100, max: 10 * MINUTE_MS },
    'Longest time for one medium, from the first connection to the last byte, in milliseconds.',
  ).default(10_000),
  max_redirects: wholeNumber({ min: 0, max: 20 }, 'Redirects that are followed on the web.').default(5),
  max_concurrent: wholeNumber({ min: 1, max: 1000 }, 'Media fetched at the same time.').default(16),
  memory_bytes: wholeNumber(
    { min: MEBIBYTE, max: 64 * 1024 * MEBIBYTE },
    'Bytes of all media held at the same time; requests wait for room. More of one request is refused. The default is 48 MiB.',
  ).default(48 * MEBIBYTE),
  cache_bytes: wholeNumber(
    { min: 0, max: 64 * 1024 * MEBIBYTE },
    'Bytes of media kept for the next turn of a conversation, besides those held; each caller has its own. 0 switches it off. The default is 16 MiB.',
  ).default(16 * MEBIBYTE),
  cache_ttl_ms: wholeNumber(
    { min: 1000, max: 60 * MINUTE_MS },
    'Time for which an address is taken to mean the same medium, in milliseconds.',
  ).default(MINUTE_MS),
  allow_private: onOff(
    'Fetch from private, loopback and link-local addresses too. Only where every caller may reach them.',
  ).default(false),
  allow: hosts('Hosts on the web that media may come from; `*` stands for any characters. When empty: any.'),
  deny: hosts('Hosts on the web that media may not come from. Wins over `allow`.'),
  bucket_rights: oneOf(
    ['server', 'caller', 'nobody'],
    "With whose rights `gs://` objects are read. `server`: with Application Default Credentials, so that every caller reads what they open, and without them as nobody. `caller`: with the caller's own Google access token. `nobody`: only what is public.",
  ).default('server'),
});

export const storageSchema = z
  .record(
    z
      .string()
      .refine(
        (key) => isBucketName(/^gs:\/\/([^/]*)(?:\/|$)/.exec(key)?.[1] ?? ''),
        'must be a bucket such as `gs://my-bucket`, or a part of one such as `gs://my-bucket/pictures`',
      ),
    z
      .string()
      .min(1, 'must be the path of a folder')
      .describe('Path of the folder that holds its objects, by their names.'),
  )
  .default({});
