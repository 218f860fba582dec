/**
 * A projector that sees colours and hears tones, for the model of all end-to-end tests: where an image is red, the model
 * reads the word red, and where a sound is high, the word high. No training: what differs is measured by averages, the
 * strongest is chosen, and what comes out is that word's own row of the model's vocabulary.
 */
import type { Buffer } from 'node:buffer';
import { Float, type GgufMetadata, type GgufTensor, readQ8Rows, writeGguf } from './gguf-file.ts';

const COLOURS = ['red', 'green', 'blue'] as const;
/** Of pure tones; the border is somewhere between 500 and 2,000 Hz. */
const PITCHES = ['low', 'high'] as const;

const PATCH = 14;
const PATCHES_A_SIDE = 2;
/** What an image takes of the prompt. */
export const IMAGE_TOKENS = PATCHES_A_SIDE ** 2;

const CHANNELS = 3;
/** Width of the encoders; only the first places are used. */
const WIDTH = 32;
/** How decidedly the strongest wins. */
const CONTRAST = 40;

/** Bands of sound, which Whisper's encoder takes; the lower half of them ends near 1,000 Hz. */
const BANDS = 80;
const POSITIONS = 1500;
/** Positions that become one token. */
const STACK = 60;
/** What half a minute of sound takes of the prompt: shorter sounds are filled up with silence. */
export const SOUND_TOKENS = POSITIONS / STACK;

/**
 * @param modelPath the model it is for
 * @param tokenOf gives a word's only token
 */
export async function makeProjector(modelPath: string, tokenOf: (word: string) => number): Promise<Buffer> {
  const rowsOf = (words: readonly string[]): Promise<Float32Array[]> =>
    readQ8Rows(modelPath, 'token_embd.weight', words.map(tokenOf));
  const [colours, pitches] = await Promise.all([rowsOf(COLOURS), rowsOf(PITCHES)]);
  const modelWidth = colours[0]?.length ?? 0;
  return writeGguf(
    {
      'general.architecture': 'clip',
      'general.name': 'colours and tones',
      'clip.has_vision_encoder': true,
      'clip.has_audio_encoder': true,
      'clip.use_gelu': true,
      'clip.vision.projector_type': 'mlp',
      'clip.vision.image_size': PATCH * PATCHES_A_SIDE,
      'clip.vision.patch_size': PATCH,
      'clip.vision.image_mean': [0, 0, 0],
      'clip.vision.image_std': [1, 1, 1],
      ...encoderSizes('vision', modelWidth),
      'clip.audio.projector_type': 'ultravox',
      'clip.audio.num_mel_bins': BANDS,
      'clip.audio.projector.stack_factor': STACK,
      ...encoderSizes('audio', modelWidth),
    },
    [...eyes(colours, modelWidth), ...ears(pitches, modelWidth)],
  );
}

function encoderSizes(modality: string, modelWidth: number): GgufMetadata {
  return {
    [`clip.${modality}.embedding_length`]: WIDTH,
    [`clip.${modality}.feed_forward_length`]: WIDTH,
    [`clip.${modality}.projection_dim`]: modelWidth,
    [`clip.${modality}.block_count`]: 1,
    [`clip.${modality}.attention.head_count`]: 1,
    [`clip.${modality}.attention.layer_norm_epsilon`]: new Float(1e-5),
  };
}

/** LLaVA's: the average of each colour over a patch, then which is brighter than the others together: half is enough. */
function eyes(words: readonly Float32Array[], modelWidth: number): GgufTensor[] {
  return [
    tensor('v.patch_embd.weight', [PATCH, PATCH, CHANNELS, WIDTH], (at) => {
      const channel = Math.floor(at / PATCH ** 2) % CHANNELS;
      const output = Math.floor(at / (PATCH ** 2 * CHANNELS));
      return output === channel ? 1 / PATCH ** 2 : 0;
    }),
    tensor('v.position_embd.weight', [WIDTH, IMAGE_TOKENS], () => 0),
    ...idleLayer('v'),
    ...idleBias('v', 'attn_k'),
    tensor('mm.0.weight', [WIDTH, WIDTH], (at) => {
      const { row, column } = placeOf(at, WIDTH);
      if (row >= 2 * CHANNELS || column >= CHANNELS) return 0;
      return row % CHANNELS === column ? CONTRAST : -CONTRAST;
    }),
    // Each colour twice, the second time less a half: their difference grows no further.
    tensor('mm.0.bias', [WIDTH], (at) => (at >= CHANNELS && at < 2 * CHANNELS ? -CONTRAST / 2 : 0)),
    tensor(
      'mm.2.weight',
      [WIDTH, modelWidth],
      wordsAt([...words, ...words.map((word) => word.map((value) => -value))], 2 / CONTRAST),
    ),
    tensor('mm.2.bias', [modelWidth], () => 0),
  ];
}

/** Ultravox's: the loudness of the lower bands and of the upper ones, then which is louder. */
function ears(words: readonly Float32Array[], modelWidth: number): GgufTensor[] {
  return [
    {
      ...tensor('a.conv1d.1.weight', [3, BANDS, WIDTH], (at) => {
        const [tap, band, output] = [at % 3, Math.floor(at / 3) % BANDS, Math.floor(at / (3 * BANDS))];
        const half = band < BANDS / 2 ? 0 : 1;
        return tap === 1 && output === half ? CONTRAST / BANDS : 0;
      }),
      isHalf: true,
    },
    tensor('a.conv1d.1.bias', [1, WIDTH], () => 0),
    {
      ...tensor('a.conv1d.2.weight', [3, WIDTH, WIDTH], (at) => {
        const [tap, input, output] = [at % 3, Math.floor(at / 3) % WIDTH, Math.floor(at / (3 * WIDTH))];
        return tap === 1 && input === output ? 1 : 0;
      }),
      isHalf: true,
    },
    tensor('a.conv1d.2.bias', [1, WIDTH], () => 0),
    tensor('a.position_embd.weight', [WIDTH, POSITIONS], () => 0),
    ...idleLayer('a'),
    ...norm('a.post_ln'),
    tensor('mm.a.norm_pre.weight', [WIDTH * STACK], () => 1),
    // Both halves are the same difference: what passes, and what lets it pass.
    tensor('mm.a.mlp.1.weight', [WIDTH * STACK, WIDTH * 2], (at) => {
      const { row, column } = placeOf(at, WIDTH * STACK);
      const [place, word] = [column % WIDTH, row % WIDTH];
      if (place >= PITCHES.length || word >= PITCHES.length) return 0;
      return place === word ? 1 : -1;
    }),
    // Normalising leaves the square root of the width to the only winner.
    tensor('mm.a.norm_mid.weight', [WIDTH], () => 1 / Math.sqrt(WIDTH)),
    tensor('mm.a.mlp.2.weight', [WIDTH, modelWidth], wordsAt(words, 1)),
  ];
}

/** A layer that adds nothing. */
function idleLayer(encoder: string): GgufTensor[] {
  return [
    ...['attn_q', 'attn_k', 'attn_v', 'attn_out', 'ffn_up', 'ffn_down'].map((name) =>
      tensor(`${encoder}.blk.0.${name}.weight`, [WIDTH, WIDTH], () => 0),
    ),
    ...['attn_q', 'attn_v', 'attn_out', 'ffn_up', 'ffn_down'].flatMap((name) => idleBias(encoder, name)),
    ...['ln1', 'ln2'].flatMap((name) => norm(`${encoder}.blk.0.${name}`)),
  ];
}

function idleBias(encoder: string, name: string): GgufTensor[] {
  return [tensor(`${encoder}.blk.0.${name}.bias`, [WIDTH], () => 0)];
}

function norm(name: string): GgufTensor[] {
  return [tensor(`${name}.weight`, [WIDTH], () => 1), tensor(`${name}.bias`, [WIDTH], () => 0)];
}

function wordsAt(words: readonly Float32Array[], scale: number): (at: number) => number {
  return (at) => {
    const { row, column } = placeOf(at, WIDTH);
    return (words[column]?.[row] ?? 0) * scale;
  };
}

function placeOf(at: number, width: number): { row: number; column: number } {
  return { row: Math.floor(at / width), column: at % width };
}

function tensor(name: string, shape: readonly number[], value: (at: number) => number): GgufTensor {
  const length = shape.reduce((product, size) => product * size, 1);
  return { name, shape, values: Float32Array.from({ length }, (_, at) => value(at)) };
}
