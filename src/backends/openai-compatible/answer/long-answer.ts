import { GatewayError } from '../../../errors.ts';
import { fromServerError } from '../../../translate/error/from-server-error.ts';
import type { ExchangeBody } from '../../../upstream/exchange.ts';
import { toGatewayFailure } from '../../../upstream/to-gateway-failure.ts';
import { parseJson } from '../../../wire/json-text/parse-json.ts';
import type { TokenUsage } from '../../../wire/openai/response.ts';
import { isJsonObject } from '../../../wire/validation/structure-checks.ts';
import type { ByteSink, FlowingAnswer } from '../../relayed-answer.ts';
import { usageOf } from './answer-edits.ts';
import { TopLevelEditor } from './top-level-editor.ts';

export interface LongAnswerOptions {
  /** The upstream's name, for errors. */
  readonly upstream: string;
  /** The model name as the client wrote it; `undefined` leaves the server's. */
  readonly asked: string | undefined;
  /** Told once how the answer ended: nothing, or what broke it. */
  readonly onOver: (failure?: unknown) => void;
}

const NOTHING = Buffer.alloc(0);

/** Bytes of a body that is no answer which are looked at. */
const MAX_SHOWN = 4096;

/**
 * A completion too long to be held in memory: it flows through, with the model name exchanged on the way. The server is
 * paused while the client has no room.
 */
export class LongAnswer implements FlowingAnswer {
  readonly format = 'json';
  readonly #head: Buffer;
  readonly #body: ExchangeBody;
  readonly #options: LongAnswerOptions;
  readonly #editor: TopLevelEditor;

  /**
   * @param head what was read of the body before
   * @throws {GatewayError} `bad_upstream_response` when that is no beginning of a JSON object
   */
  constructor(head: Buffer, body: ExchangeBody, options: LongAnswerOptions) {
    const beginning = head.toString('utf8', 0, MAX_SHOWN);
    if (!/^\s*\{/.test(beginning)) {
      body.cancel();
      throw fromServerError({ status: 200, body: beginning, upstream: options.upstream });
    }
    this.#head = head;
    this.#body = body;
    this.#options = options;
    const { asked } = options;
    this.#editor = new TopLevelEditor({
      replace: asked === undefined ? {} : { model: JSON.stringify(asked) },
      keep: ['usage'],
    });
  }

  usage(): TokenUsage | undefined {
    const usage = parseJson(this.#editor.kept('usage') ?? 'null');
    return isJsonObject(usage) ? usageOf({ usage }) : undefined;
  }

  async flow(sink: ByteSink): Promise<void> {
    try {
      await this.#pump(sink);
      this.#options.onOver();
      sink.end(NOTHING);
    } catch (error) {
      this.#body.cancel();
      this.#options.onOver(error);
      throw toGatewayFailure(error, `The upstream ${this.#options.upstream}`);
    }
  }

  #pump(sink: ByteSink): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const goOn = (): void => {
      this.#body.resume();
    };
    const write = (bytes: Buffer): boolean => {
      const edited = this.#editor.push(bytes);
      // Nothing is left of a piece of the name that is exchanged.
      if (edited.length === 0 || sink.write(edited)) return true;
      sink.onRoom(goOn);
      return false;
    };
    const hasRoom = write(this.#head);
    this.#body.receive(
      {
        onData: write,
        onEnd: () => {
          if (this.#editor.isComplete) resolve();
          else reject(incomplete(this.#options.upstream));
        },
        onError: reject,
      },
      { isPaused: !hasRoom },
    );
    return promise;
  }
}

function incomplete(upstream: string): GatewayError {
  return new GatewayError(
    'upstream_disconnected',
    `The upstream ${upstream} ended its answer before it was complete.`,
  );
}
