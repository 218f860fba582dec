/**
 * A projector that sees colours, for the model of all end-to-end tests: where an image is red, the model reads the word
 * red. No training: each patch is averaged to its red, green and blue, the strongest of them is chosen, and what comes
 * out is that word's own row of the model's vocabulary.
 */
import type { Buffer } from 'node:buffer';
import { Float, type GgufTensor, readQ8Rows, writeGguf } from './gguf-file.ts';

/** Words the projector can say, each with its token in the vocabulary of SmolLM2. */
export const COLOURS = ['red', 'green', 'blue'] as const;

const PATCH = 14;
const PATCHES_A_SIDE = 2;
/** What an image takes of the prompt. */
export const IMAGE_TOKENS = PATCHES_A_SIDE ** 2;

const CHANNELS = 3;
/** Width of the encoder; only the first three places are used. */
const WIDTH = 32;
/** How decidedly a colour wins. */
const CONTRAST = 40;

/**
 * @param modelPath the model it is for
 * @param tokens of the words, in the order of {@link COLOURS}
 */
export async function makeColourProjector(modelPath: string, tokens: readonly number[]): Promise<Buffer> {
  const words = await readQ8Rows(modelPath, 'token_embd.weight', tokens);
  const modelWidth = words[0]?.length ?? 0;
  return writeGguf(
    {
      'general.architecture': 'clip',
      'general.name': 'colours',
      'clip.projector_type': 'mlp',
      'clip.has_vision_encoder': true,
      'clip.use_gelu': true,
      'clip.vision.image_size': PATCH * PATCHES_A_SIDE,
      'clip.vision.patch_size': PATCH,
      'clip.vision.embedding_length': WIDTH,
      'clip.vision.feed_forward_length': WIDTH,
      'clip.vision.projection_dim': modelWidth,
      'clip.vision.block_count': 1,
      'clip.vision.attention.head_count': 1,
      'clip.vision.attention.layer_norm_epsilon': new Float(1e-5),
      'clip.vision.image_mean': [0, 0, 0],
      'clip.vision.image_std': [1, 1, 1],
    },
    [
      matrix('v.patch_embd.weight', [PATCH, PATCH, CHANNELS, WIDTH], averageOfChannel),
      matrix('v.position_embd.weight', [WIDTH, IMAGE_TOKENS], () => 0),
      // The one layer of the encoder: this kind of projector takes what stands before the last layer.
      ...['attn_q', 'attn_k', 'attn_v', 'attn_out', 'ffn_up', 'ffn_down'].flatMap((name) => [
        matrix(`v.blk.0.${name}.weight`, [WIDTH, WIDTH], () => 0),
        matrix(`v.blk.0.${name}.bias`, [WIDTH], () => 0),
      ]),
      ...['ln1', 'ln2'].flatMap((name) => [
        matrix(`v.blk.0.${name}.weight`, [WIDTH], () => 1),
        matrix(`v.blk.0.${name}.bias`, [WIDTH], () => 0),
      ]),
      // A colour's own brightness against the sum of the others: above 0 for the strongest only.
      matrix('mm.0.weight', [WIDTH, WIDTH], (at) => {
        const [input, output] = [at % WIDTH, Math.floor(at / WIDTH)];
        if (input >= CHANNELS || output >= CHANNELS) return 0;
        return input === output ? CONTRAST : -CONTRAST;
      }),
      matrix('mm.0.bias', [WIDTH], () => 0),
      matrix('mm.2.weight', [WIDTH, modelWidth], (at) => {
        const word = words[at % WIDTH];
        return word === undefined ? 0 : (word[Math.floor(at / WIDTH)] ?? 0) / CONTRAST;
      }),
      matrix('mm.2.bias', [modelWidth], () => 0),
    ],
  );
}

function averageOfChannel(at: number): number {
  const channel = Math.floor(at / PATCH ** 2) % CHANNELS;
  const output = Math.floor(at / (PATCH ** 2 * CHANNELS));
  return output === channel ? 1 / PATCH ** 2 : 0;
}

function matrix(name: string, shape: readonly number[], value: (at: number) => number): GgufTensor {
  const length = shape.reduce((product, size) => product * size, 1);
  return { name, shape, values: Float32Array.from({ length }, (_, at) => value(at)) };
}
