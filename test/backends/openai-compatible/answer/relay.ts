import {
  StreamEditor,
  type StreamEditorOptions,
} from '../../../../src/backends/openai-compatible/answer/stream-editor.ts';

/** What a {@link StreamEditor} made of a stream. */
export interface Relayed {
  readonly editor: StreamEditor;
  /** What each read gave; the last is that of the end. */
  readonly parts: readonly string[];
  readonly text: string;
  readonly failure: unknown;
}

/** Sends a stream through an editor, divided as given, and ends it unless it has failed. */
export function relay(
  stream: string | readonly (string | Uint8Array)[],
  options: Partial<StreamEditorOptions> = {},
): Relayed {
  const editor = new StreamEditor({ upstream: 'mine', asked: undefined, ...options });
  const parts: string[] = [];
  let failure: unknown;
  try {
    for (const piece of typeof stream === 'string' ? [stream] : stream) {
      parts.push(editor.push(Buffer.from(piece)).toString('utf8'));
      if (editor.failure !== undefined) throw editor.failure;
    }
    parts.push(editor.end().toString('utf8'));
  } catch (error) {
    failure = error;
  }
  return { editor, parts, text: parts.join(''), failure };
}
