import type { Annotation } from '../../wire/openai/response.ts';
import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';
import { TextPlacement, type TextRange } from './text-placement.ts';
import { Utf8Offsets } from './utf8-offsets.ts';

interface WebSource {
  url: string;
  title: string;
}

/**
 * Collects the sources of one candidate's answer and makes OpenAI's annotations of them. Offsets of the annotations
 * are UTF-16 code units within all text deltas of the choice joined. Contract section 9.7.
 *
 * Google counts UTF-8 bytes within a part. In a stream a part is spread over many messages, and recorded answers with
 * code or search parts before the text count from the first visible character whatever the part index says. So each
 * segment is placed where its own words stand, by its part first, then by the whole text.
 */
export class GroundingCollector {
  /** The visible text of the model, without blocks of code it ran. */
  #pieces: string[] = [];
  /** Where the visible text stands in the text deltas. */
  readonly #placement = new TextPlacement();
  /** Start of every visible part in the visible text, by the part's index. */
  readonly #partStarts = new Map<number, number>();
  readonly #chunks: unknown[] = [];
  readonly #supports: unknown[] = [];
  readonly #citations: unknown[] = [];

  /** Visible text of a part. A part that goes on keeps its index. */
  addText(partIndex: number, text: string): void {
    if (!this.#partStarts.has(partIndex)) this.#partStarts.set(partIndex, this.#placement.sourceLength);
    this.#pieces.push(text);
    this.#placement.place(text.length);
  }

  /** Text deltas that are not the model's own text. */
  addOther(length: number): void {
    this.#placement.insert(length);
  }

  /** `groundingMetadata` of one message: only what is new, while indices count over the whole stream. */
  addGrounding(metadata: JsonObject): void {
    for (const chunk of listOf(metadata['groundingChunks'])) this.#chunks.push(chunk);
    for (const support of listOf(metadata['groundingSupports'])) this.#supports.push(support);
  }

  /** `citationMetadata` of one message: `citations` on Vertex AI, `citationSources` on the Developer API. */
  addCitations(metadata: JsonObject): void {
    for (const citation of listOf(metadata['citations'])) this.#citations.push(citation);
    for (const citation of listOf(metadata['citationSources'])) this.#citations.push(citation);
  }

  /** All annotations, each once, by their start. */
  annotations(): Annotation[] {
    if (this.#chunks.length === 0 && this.#citations.length === 0) return [];
    const text = this.#pieces.join('');
    const offsets = new Utf8Offsets(text);
    const found = new Map<string, Annotation>();
    const add = (source: WebSource, visible: TextRange): void => {
      const { start, end } = this.#placement.range(visible);
      found.set(JSON.stringify([source, start, end]), {
        type: 'url_citation',
        url_citation: { ...source, start_index: start, end_index: end },
      });
    };

    const sources = this.#chunks.map(sourceOfChunk);
    const supported = new Set<string>();
    for (const support of this.#supports.filter(isJsonObject)) {
      const range = this.#locate(support['segment'], text, offsets);
      for (const index of listOf(support['groundingChunkIndices'])) {
        const source = typeof index === 'number' ? sources[index] : undefined;
        if (source === undefined) continue;
        supported.add(source.url);
        add(source, range);
      }
    }
    for (const source of sources) {
      if (source !== undefined && !supported.has(source.url)) add(source, endOf(text));
    }
    for (const citation of this.#citations.filter(isJsonObject)) {
      const source = toSource(citation['uri'], citation['title']);
      if (source !== undefined) add(source, byteRange(citation, 0, offsets));
    }
    return [...found.values()].toSorted(
      ({ url_citation: left }, { url_citation: right }) =>
        left.start_index - right.start_index || left.end_index - right.end_index,
    );
  }

  /** The range of a segment in the visible text. */
  #locate(segment: unknown, text: string, offsets: Utf8Offsets): TextRange {
    if (!isJsonObject(segment)) return endOf(text);
    const { partIndex, text: words } = segment;
    const partStart = this.#partStarts.get(typeof partIndex === 'number' ? partIndex : 0) ?? 0;
    const byPart = byteRange(segment, offsets.bytesAt(partStart), offsets);
    if (typeof words !== 'string' || words === '') return byPart;
    const candidates = [byPart, byteRange(segment, 0, offsets)];
    const fitting = candidates.find(({ start, end }) => text.slice(start, end) === words);
    if (fitting !== undefined) return fitting;
    const at = text.indexOf(words);
    return at === -1 ? byPart : { start: at, end: at + words.length };
  }
}

function endOf({ length }: string): TextRange {
  return { start: length, end: length };
}

/** A range given in bytes from `base`, in UTF-16 code units. */
function byteRange({ startIndex, endIndex }: JsonObject, base: number, offsets: Utf8Offsets): TextRange {
  const start = typeof startIndex === 'number' ? startIndex : 0;
  const end = typeof endIndex === 'number' ? endIndex : 0;
  return { start: offsets.unitsAt(base + start), end: offsets.unitsAt(base + end) };
}

function sourceOfChunk(chunk: unknown): WebSource | undefined {
  if (!isJsonObject(chunk)) return undefined;
  for (const kind of ['web', 'retrievedContext', 'maps']) {
    const place = chunk[kind];
    if (isJsonObject(place)) return toSource(place['uri'], place['title']);
  }
  return undefined;
}

function toSource(url: unknown, title: unknown): WebSource | undefined {
  if (typeof url !== 'string' || url === '') return undefined;
  return { url, title: typeof title === 'string' ? title : '' };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}
