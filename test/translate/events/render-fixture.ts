import type { ChatEvent } from '../../../src/translate/events/chat-event.ts';
import { ChunkAssembler } from '../../../src/translate/events/assemble-chunks.ts';
import { CompletionFold } from '../../../src/translate/events/fold-completion.ts';
import type { RenderOptions } from '../../../src/translate/events/render-options.ts';
import type { ChatCompletion, ChatCompletionChunk } from '../../../src/wire/openai/response.ts';

/** Options of a plain request; tests override what they are about. */
export function renderOptions(overrides: Partial<RenderOptions> = {}): RenderOptions {
  let calls = 0;
  return {
    id: 'chatcmpl-1',
    created: 1_779_051_164,
    model: 'google/gemini-2.5-flash',
    thoughts: { inContent: false, inReasoningContent: true },
    jsonOutput: false,
    usageMode: 'openai',
    streamUsage: 'none',
    parallelToolCalls: true,
    deprecatedFunctions: false,
    customTools: new Set(),
    newCallId: () => `call_${++calls}`,
    ...overrides,
  };
}

export function streamOf(batches: ChatEvent[][], options: RenderOptions): ChatCompletionChunk[] {
  const assembler = new ChunkAssembler(options);
  return [...batches.flatMap((batch) => assembler.push(batch)), ...assembler.end()];
}

export function foldOf(batches: ChatEvent[][], options: RenderOptions): ChatCompletion {
  const fold = new CompletionFold(options);
  for (const batch of batches) fold.push(batch);
  return fold.end();
}
