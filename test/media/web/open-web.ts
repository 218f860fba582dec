import { afterEach } from 'vitest';
import type { OpenedMedium } from '../../../src/media/opened-medium.ts';
import { WebMedia, type WebMediaOptions } from '../../../src/media/web/web-media.ts';

export interface OpenWeb {
  readonly media: WebMedia;
  readonly open: (url: string, signal?: AbortSignal) => Promise<OpenedMedium>;
  /** The whole medium. */
  readonly read: (url: string) => Promise<Buffer>;
}

/** Makes web media that are closed after the test. */
export function webMediaFactory(): (options?: WebMediaOptions) => OpenWeb {
  const opened: WebMedia[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((media) => media.close()));
  });
  return (options = {}) => {
    const media = new WebMedia(options);
    opened.push(media);
    const open: OpenWeb['open'] = (url, signal = new AbortController().signal) => media.open(url, { signal });
    return { media, open, read: async (url) => readBody(await open(url)) };
  };
}

export async function readBody({ body }: OpenedMedium): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
