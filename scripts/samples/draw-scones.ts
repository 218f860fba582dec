/** A drawing: blueberry scones on a plate beside a cup of coffee. Computed, so that it belongs to nobody else. */
import type { Picture } from './encode-jpeg.ts';

const WIDTH = 512;
const HEIGHT = 384;

type Colour = readonly [red: number, green: number, blue: number];

interface Ellipse {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly colour: Colour;
  /** Colour at its lower right edge. @default as everywhere */
  readonly shade?: Colour;
  /** Width of its soft edge, in pixels. @default 1.5 */
  readonly blur?: number;
}

const WHITE: Colour = [247, 246, 242];
const GOLD: Colour = [226, 172, 98];
const CRUST: Colour = [150, 88, 36];
const BERRY: Colour = [58, 52, 110];

/** Where the scones lie. */
const SCONES = [
  { x: 165, y: 175 },
  { x: 275, y: 185 },
  { x: 215, y: 255 },
];

/** Berries on a scone, from its middle. */
const BERRIES = [
  { x: -24, y: -8 },
  { x: 6, y: -20 },
  { x: 26, y: 4 },
  { x: -6, y: 10 },
];

/** From the back to the front. */
function* shapes(): Generator<Ellipse> {
  // Plate: its shadow, its rim, its middle.
  yield { x: 228, y: 228, width: 384, height: 262, colour: [70, 44, 28], blur: 24 };
  yield { x: 220, y: 212, width: 384, height: 268, colour: WHITE, shade: [206, 204, 200] };
  yield { x: 220, y: 212, width: 296, height: 200, colour: [232, 231, 228], shade: WHITE, blur: 8 };
  for (const { x, y } of SCONES) {
    yield { x: x + 6, y: y + 12, width: 118, height: 88, colour: [176, 172, 168], blur: 14 };
    yield { x, y: y + 5, width: 112, height: 84, colour: CRUST };
    yield { x, y: y - 3, width: 108, height: 74, colour: [240, 196, 124], shade: GOLD, blur: 6 };
    for (const berry of BERRIES) {
      yield { x: x + berry.x, y: y + berry.y, width: 17, height: 15, colour: BERRY, shade: [30, 26, 66] };
    }
  }
  // Cup: shadow, handle, rim, coffee.
  yield { x: 440, y: 92, width: 120, height: 112, colour: [70, 44, 28], blur: 20 };
  yield { x: 484, y: 112, width: 44, height: 30, colour: WHITE, shade: [206, 204, 200] };
  yield { x: 432, y: 82, width: 112, height: 106, colour: WHITE, shade: [214, 212, 208] };
  yield { x: 432, y: 82, width: 92, height: 86, colour: [92, 52, 24], shade: [58, 30, 14] };
}

export function drawScones(): Picture {
  const rgb = new Uint8Array(WIDTH * HEIGHT * 3);
  const ellipses = [...shapes()];
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const colour = ellipses.reduce<Colour>((below, ellipse) => paint(below, ellipse, { x, y }), tableAt(y));
      rgb.set(colour, (y * WIDTH + x) * 3);
    }
  }
  return { width: WIDTH, height: HEIGHT, rgb };
}

/** Boards of a wooden table. */
function tableAt(y: number): Colour {
  const board = y % 64;
  return board < 3 ? [84, 54, 34] : mix([148, 100, 62], [128, 84, 50], board / 64);
}

function paint(below: Colour, ellipse: Ellipse, at: { readonly x: number; readonly y: number }): Colour {
  const { width, height, colour, shade = colour, blur = 1.5 } = ellipse;
  const across = (at.x - ellipse.x) / (width / 2);
  const down = (at.y - ellipse.y) / (height / 2);
  const distance = Math.sqrt(across * across + down * down);
  const cover = Math.min(1, Math.max(0, ((1 - distance) * height) / 2 / blur + 0.5));
  if (cover === 0) return below;
  return mix(below, mix(colour, shade, Math.min(1, Math.max(0, (across + down) / 2))), cover);
}

function mix(one: Colour, other: Colour, share: number): Colour {
  const channel = (at: 0 | 1 | 2): number => one[at] + (other[at] - one[at]) * share;
  return [channel(0), channel(1), channel(2)];
}
