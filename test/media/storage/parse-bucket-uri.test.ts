import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeObject, isBucketName, parseBucketUri } from '../../../src/media/storage/parse-bucket-uri.ts';

describe('parseBucketUri', () => {
  it.each([
    ['gs://bucket/object', 'bucket', 'object'],
    [
      'gs://cloud-samples-data/generative-ai/image/scones.jpg',
      'cloud-samples-data',
      'generative-ai/image/scones.jpg',
    ],
    ['gs://b-1_2.example.com/a b.png', 'b-1_2.example.com', 'a b.png'],
    ['gs://bucket/a?b#c&d=%20+', 'bucket', 'a?b#c&d=%20+'],
    ['gs://bucket/grüße/写真 😀.png', 'bucket', 'grüße/写真 😀.png'],
    ['gs://bucket//a//b/', 'bucket', '/a//b/'],
    ['gs://bucket/../a', 'bucket', '../a'],
    ['gs://bucket/...', 'bucket', '...'],
    ['gs://bucket/gs://other/o', 'bucket', 'gs://other/o'],
    ['gs://bucket/a\tb\u0000c', 'bucket', 'a\tb\u0000c'],
    [`gs://bucket/${'x'.repeat(1024)}`, 'bucket', 'x'.repeat(1024)],
  ])('reads %j', (uri, bucket, object) => {
    expect(parseBucketUri(uri)).toEqual({ bucket, object });
  });

  const FORM = /must have the form gs:\/\/BUCKET\/OBJECT/;
  const BUCKET = /a bucket has 3 to 63 lower-case/;
  it.each([
    ['', FORM],
    ['gs:', FORM],
    ['gs://', FORM],
    ['gs://bucket', FORM],
    ['gs://bucket/', FORM],
    ['gs:/bucket/object', FORM],
    ['GS://bucket/object', FORM],
    ['s3://bucket/object', FORM],
    ['https://storage.googleapis.com/bucket/object', FORM],
    [' gs://bucket/object', FORM],
    ['gs:///object', BUCKET],
    ['gs://ab/object', BUCKET],
    ['gs://user@bucket/object', BUCKET],
    ['gs://bucket:443/object', BUCKET],
    ['gs://bucket?x/object', BUCKET],
    ['gs://Bucket/object', BUCKET],
    ['gs://127.0.0.1/object', BUCKET],
    ['gs://bucket/.', /no object may have this name/],
    ['gs://bucket/..', /no object may have this name/],
    ['gs://bucket/.well-known/acme-challenge/x', /no object may have this name/],
    ['gs://bucket/a\nb', /a line break/],
    ['gs://bucket/a\r', /a line break/],
    ['gs://bucket/\uD800', /no valid Unicode/],
    [`gs://bucket/${'x'.repeat(1025)}`, /longer than 1024 bytes/],
    [`gs://bucket/${'ü'.repeat(513)}`, /longer than 1024 bytes/],
  ])('refuses %j', (uri, message) => {
    expect(() => parseBucketUri(uri)).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        param: null,
        message: expect.stringMatching(message),
      }),
    );
  });

  it('shows at most 200 characters of a name of 10,000, and no control characters', () => {
    expect(() => parseBucketUri(`gs://bucket/\r\u202E${'y'.repeat(10_000)}`)).toThrow(
      /^gs:\/\/bucket\/\uFFFD\uFFFDy{186}… names no object/,
    );
  });

  it('takes every object name apart from its bucket', () => {
    const names = fc.string({ unit: 'grapheme', minLength: 3, maxLength: 100 });
    fc.assert(
      fc.property(names, (object) => {
        fc.pre(!/[\r\n]/.test(object) && object.isWellFormed());
        expect(parseBucketUri(`gs://bucket/${object}`)).toEqual({ bucket: 'bucket', object });
      }),
    );
  });
});

describe('isBucketName', () => {
  const part = 'p'.repeat(63);
  it.each([
    'abc',
    '0a0',
    'a-b',
    'a_b',
    'a.b',
    part,
    `${part}.${part}.${part}.abc`,
    '1.2.3',
    '1.2.3.4.5',
    'google-data',
  ])('takes %s', (name) => {
    expect(isBucketName(name)).toBe(true);
  });
  it.each(
    [
      ['ab', `${part}p`, `${part}p.abc`, `${part}.${part}.${part}.${'p'.repeat(31)}`],
      ['-ab', 'ab-', '.ab', 'ab.', 'a..b', '_ab', 'a b', 'a%b', 'ünd', 'ABC', '192.168.5.4', 'abc\n', ''],
    ].flat(),
  )('refuses %j', (name) => {
    expect(isBucketName(name)).toBe(false);
  });
});

describe('describeObject', () => {
  it.each([
    [{ bucket: 'bucket', object: 'a  b/?#' }, 'gs://bucket/a  b/?#'],
    [{ bucket: 'bucket', object: 'a\u0000\u2028b' }, 'gs://bucket/a\uFFFD\uFFFDb'],
    [{ bucket: 'bucket', object: '😀'.repeat(200) }, `gs://bucket/${'😀'.repeat(94)}…`],
  ])('writes %j', (object, text) => {
    expect(describeObject(object)).toBe(text);
  });
});
