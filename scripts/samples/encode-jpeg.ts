/**
 * Baseline JPEG (ITU-T T.81) without subsampling, with the tables of its Annex K: enough for a drawing, and the same
 * bytes on every machine.
 */

/** Red, green and blue, 0 to 255, by rows from the top left. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** Annex K.1, by rows. */
const LUMINANCE = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22,
  29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103,
  121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];
const CHROMINANCE = [
  17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
];

/** Codes of each length from 1 to 16, and the values in their order. */
interface HuffmanTable {
  readonly counts: readonly number[];
  readonly values: readonly number[];
}

/** Annex K.3, for luminance; the chrominance is written with them too. */
const DC: HuffmanTable = {
  counts: [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
  values: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
};
const AC: HuffmanTable = {
  counts: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125],
  values: [
    ...Buffer.from(
      '01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a' +
        '434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7' +
        'a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa',
      'hex',
    ),
  ],
};

/** Place in a block, by rows, of each coefficient in the order of writing. */
const ZIGZAG = zigzag();

/** `COSINES[u * 8 + x]`, the basis of the transform with its factors. */
const COSINES = Float64Array.from({ length: 64 }, (_, at) => {
  const [u, x] = [at >> 3, at & 7];
  return (u === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * u * Math.PI) / 16);
});

/** @param quality 1 to 100, as in the IJG's library */
export function encodeJpeg(picture: Picture, quality: number): Buffer {
  const scale = quality < 50 ? 5000 / quality : 200 - quality * 2;
  const [luminance, chrominance] = [LUMINANCE, CHROMINANCE].map((table) =>
    table.map((step) => Math.min(255, Math.max(1, Math.floor((step * scale + 50) / 100)))),
  ) as [number[], number[]];
  const { width, height } = picture;
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xe0, [...Buffer.from('JFIF\0'), 1, 1, 0, 0, 1, 0, 1, 0, 0]),
    segment(0xdb, [0, ...inOrder(luminance), 1, ...inOrder(chrominance)]),
    segment(0xc0, [8, ...twoBytes(height), ...twoBytes(width), 3, 1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1]),
    segment(0xc4, [0x00, ...DC.counts, ...DC.values, 0x10, ...AC.counts, ...AC.values]),
    segment(0xda, [3, 1, 0, 2, 0, 3, 0, 0, 63, 0]),
    encodeScan(picture, [luminance, chrominance, chrominance]),
    Buffer.from([0xff, 0xd9]),
  ]);
}

function inOrder(table: readonly number[]): number[] {
  return ZIGZAG.map((place) => table[place] as number);
}

function segment(marker: number, content: readonly number[]): Buffer {
  return Buffer.from([0xff, marker, ...twoBytes(content.length + 2), ...content]);
}

function twoBytes(value: number): [number, number] {
  return [value >> 8, value & 0xff];
}

function zigzag(): number[] {
  const places = Array.from({ length: 64 }, (_, place) => place);
  return places.sort((one, other) => diagonal(one) - diagonal(other) || along(one) - along(other));
}

/** Even diagonals run upwards, odd ones downwards. */
function along(place: number): number {
  return diagonal(place) % 2 === 0 ? place & 7 : place >> 3;
}

function diagonal(place: number): number {
  return (place >> 3) + (place & 7);
}

function encodeScan(picture: Picture, tables: readonly (readonly number[])[]): Buffer {
  const bits = new BitWriter();
  const before = [0, 0, 0];
  for (let top = 0; top < picture.height; top += 8) {
    for (let left = 0; left < picture.width; left += 8) {
      for (const [component, table] of tables.entries()) {
        const coefficients = transform(blockOf(picture, { left, top }, component), table);
        writeBlock(bits, coefficients, before[component] as number);
        before[component] = coefficients[0] as number;
      }
    }
  }
  return bits.end();
}

/** 8 by 8 values of one component around 0; the picture's edges go on beyond it. */
function blockOf({ width, height, rgb }: Picture, { left, top }: Corner, component: number): Float64Array {
  const block = new Float64Array(64);
  const [ofRed, ofGreen, ofBlue, base] = COMPONENTS[component] as Component;
  for (let at = 0; at < 64; at++) {
    const x = Math.min(width - 1, left + (at & 7));
    const y = Math.min(height - 1, top + (at >> 3));
    const pixel = (y * width + x) * 3;
    const [red, green, blue] = [rgb[pixel] as number, rgb[pixel + 1] as number, rgb[pixel + 2] as number];
    block[at] = ofRed * red + ofGreen * green + ofBlue * blue + base;
  }
  return block;
}

type Component = readonly [ofRed: number, ofGreen: number, ofBlue: number, base: number];

/** Y, Cb and Cr as JFIF defines them, shifted to lie around 0. */
const COMPONENTS: readonly Component[] = [
  [0.299, 0.587, 0.114, -128],
  [-0.168_736, -0.331_264, 0.5, 0],
  [0.5, -0.418_688, -0.081_312, 0],
];

interface Corner {
  readonly left: number;
  readonly top: number;
}

/** Discrete cosine transform of rows and columns, quantized, in the order of writing. */
function transform(block: Float64Array, table: readonly number[]): number[] {
  const rows = new Float64Array(64);
  for (let at = 0; at < 64; at++) rows[at] = dot(at & 7, (x) => block[(at & 56) + x] as number);
  return ZIGZAG.map((place) => {
    const value = dot(place >> 3, (y) => rows[y * 8 + (place & 7)] as number);
    return Math.round(value / (table[place] as number));
  });
}

function dot(frequency: number, valueAt: (index: number) => number): number {
  let sum = 0;
  for (let index = 0; index < 8; index++) sum += (COSINES[frequency * 8 + index] as number) * valueAt(index);
  return sum;
}

/** Section F.1.2. */
function writeBlock(bits: BitWriter, [dc = 0, ...ac]: readonly number[], dcBefore: number): void {
  bits.writeValue(DC_CODES, 0, dc - dcBefore);
  let zeros = 0;
  const last = ac.findLastIndex((value) => value !== 0);
  for (const value of ac.slice(0, last + 1)) {
    if (value === 0) {
      zeros += 1;
      continue;
    }
    for (; zeros > 15; zeros -= 16) bits.writeCode(AC_CODES, 0xf0);
    bits.writeValue(AC_CODES, zeros << 4, value);
    zeros = 0;
  }
  if (last < 62) bits.writeCode(AC_CODES, 0);
}

type Codes = ReadonlyMap<number, { readonly code: number; readonly length: number }>;

const DC_CODES = codesOf(DC);
const AC_CODES = codesOf(AC);

/** Annex C: codes of one length follow each other. */
function codesOf({ counts, values }: HuffmanTable): Codes {
  const codes = new Map<number, { code: number; length: number }>();
  let [code, next] = [0, 0];
  for (const [index, count] of counts.entries()) {
    for (let number = 0; number < count; number++) {
      codes.set(values[next++] as number, { code: code++, length: index + 1 });
    }
    code <<= 1;
  }
  return codes;
}

class BitWriter {
  readonly #bytes: number[] = [];
  #pending = 0;
  #length = 0;

  writeCode(codes: Codes, symbol: number): void {
    const entry = codes.get(symbol);
    if (entry === undefined) throw new RangeError(`no code for ${symbol}`);
    this.#write(entry.code, entry.length);
  }

  /** A code that tells how many bits the value has, then these. */
  writeValue(codes: Codes, symbol: number, value: number): void {
    const size = 32 - Math.clz32(Math.abs(value));
    this.writeCode(codes, symbol | size);
    if (size > 0) this.#write(value < 0 ? value + 2 ** size - 1 : value, size);
  }

  end(): Buffer {
    this.#write(0x7f, 7);
    return Buffer.from(this.#bytes);
  }

  #write(bits: number, length: number): void {
    this.#pending = (this.#pending << length) | bits;
    this.#length += length;
    for (; this.#length >= 8; this.#length -= 8) {
      const byte = (this.#pending >> (this.#length - 8)) & 0xff;
      this.#bytes.push(byte);
      // A byte that could begin a marker is followed by a 0.
      if (byte === 0xff) this.#bytes.push(0);
    }
    this.#pending &= (1 << this.#length) - 1;
  }
}
