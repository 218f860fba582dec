/** The default model's tokenizer, apart from the engine: what tests compare the engine's tokens with. */
import { getLlama, LlamaLogLevel, type LlamaModel, type Token } from 'node-llama-cpp';
import { defaultModelPath } from './local-model.ts';

export class DefaultVocabulary {
  readonly #model: LlamaModel;

  private constructor(model: LlamaModel) {
    this.#model = model;
  }

  static async load(): Promise<DefaultVocabulary> {
    const llama = await getLlama({
      gpu: false,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      logLevel: LlamaLogLevel.error,
    });
    const modelPath = await defaultModelPath();
    return new DefaultVocabulary(await llama.loadModel({ modelPath, vocabOnly: true }));
  }

  /** Tokens of a prompt as a chat template writes it. */
  tokensOf(prompt: string): number[] {
    return this.#model.tokenize(prompt, true);
  }

  /** Tokens of text in which control tokens are only spelled out. */
  tokensOfText(text: string): number[] {
    return this.#model.tokenize(text, false);
  }

  /** The one token that is written so. */
  tokenOf(text: string): number {
    const tokens = this.tokensOf(text);
    const [token] = tokens;
    if (token === undefined || tokens.length !== 1) throw new Error(`${text} is ${tokens.length} tokens`);
    return token;
  }

  textOf(token: number): string {
    return this.#model.detokenize([token as Token], true);
  }
}
