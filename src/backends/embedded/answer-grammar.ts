import { type ErrorCode, GatewayError } from '../../errors.ts';
import type { AnswerFormat } from './answer-format.ts';
import type { GrammarPlan } from './engine/protocol.ts';
import { GrammarBuilder } from './grammar/grammar-builder.ts';
import { BudgetExceeded } from './grammar/work-budget.ts';
import { SchemaError, type SchemaErrorKind } from './grammar/schema-error.ts';
import { CALL_CLOSE, CALL_OPEN } from './tools/tool-prompt.ts';
import type { ToolSet } from './tools/tool-set.ts';

export interface GrammarRequest {
  readonly format: AnswerFormat;
  readonly toolSet: ToolSet | undefined;
  /** Closing tag of reasoning the answer begins with; the grammar holds behind it. */
  readonly thoughtEnd?: string;
  readonly unsupported: 'reject' | 'ignore';
}

export interface AnswerGrammar {
  readonly grammar?: GrammarPlan;
  /** JSON paths of schema keywords that could not be enforced and were left out. */
  readonly ignored: readonly string[];
}

/** Calls one answer may hold: a small model without a limit repeats itself. */
const MAX_PARALLEL_CALLS = 8;

const ERROR_CODES: Readonly<Record<SchemaErrorKind, ErrorCode>> = {
  unsupported: 'unsupported_schema',
  invalid: 'invalid_argument',
  too_complex: 'schema_too_complex',
};

/**
 * The grammar an answer must follow while it is written: a JSON format, required tool calls, or, where the model may
 * choose to call, the shape of a call once it has begun one.
 *
 * @throws {GatewayError} `unsupported_schema` and the like, naming keyword and path
 */
export function buildAnswerGrammar({
  format,
  toolSet,
  thoughtEnd,
  unsupported,
}: GrammarRequest): AnswerGrammar {
  const builder = new AnswerGrammarBuilder(unsupported);
  const mustCall = toolSet?.use === 'required';
  const formatRule = mustCall ? undefined : builder.format(format);
  const calls = toolSet === undefined ? undefined : builder.calls(toolSet);
  const { ignored } = builder;
  if (calls !== undefined && !mustCall && formatRule === undefined) {
    // The model decides; what it has begun as a call is then held to the shape of one.
    return { grammar: { text: builder.toString(`[ \\n]{0,2} ${calls}`), after: CALL_OPEN }, ignored };
  }
  const forms = [
    ...(calls === undefined ? [] : [`${builder.literal(`${CALL_OPEN}\n`)} ${calls}`]),
    ...(formatRule === undefined ? [] : [formatRule]),
  ];
  if (forms.length === 0) return { ignored };
  const body = forms.length === 1 ? forms.join('') : `(${forms.join(' | ')})`;
  if (thoughtEnd === undefined) return { grammar: { text: builder.toString(body) }, ignored };
  // White space stands between reasoning and answer.
  return { grammar: { text: builder.toString(`[ \\n]{0,3} ${body}`), after: thoughtEnd }, ignored };
}

/** The parts an answer's grammar is made of. */
class AnswerGrammarBuilder {
  /** JSON paths of keywords that were left out. */
  readonly ignored: string[] = [];
  readonly #grammar = new GrammarBuilder();
  readonly #unsupported: 'reject' | 'ignore';

  constructor(unsupported: 'reject' | 'ignore') {
    this.#unsupported = unsupported;
  }

  /** The rule of a JSON format; `undefined` for free text. */
  format(format: AnswerFormat): string | undefined {
    switch (format.kind) {
      case 'text':
        return undefined;
      case 'json-object':
        return this.#grammar.addJsonObject();
      case 'json-schema':
        return this.#schema(format.schema, { path: format.path, strict: true });
    }
  }

  /** The calls of one answer, from behind the first opening tag to the last closing one. */
  calls({ tools, parallel }: ToolSet): string {
    const alternatives = tools.map(({ name, parameters, path, strict }) => {
      // Without `strict` OpenAI promises no more than JSON; what cannot be enforced is left out and named.
      const rule = this.#schema(parameters, { path, strict });
      return `${this.literal(`{"name": ${JSON.stringify(name)}, "arguments": `)} ${rule}`;
    });
    const call = this.#callRule(`(${alternatives.join(' | ')}) ${this.literal(`}\n${CALL_CLOSE}`)}`);
    if (!parallel) return call;
    return `${call} (${this.literal(`\n${CALL_OPEN}\n`)} ${call}){0,${MAX_PARALLEL_CALLS - 1}}`;
  }

  #callRule(body: string): string {
    try {
      return this.#grammar.addRule('call', body);
    } catch (error) {
      if (!(error instanceof BudgetExceeded)) throw error;
      throw new GatewayError('schema_too_complex', 'The tools are too many or too large for one grammar.', {
        param: 'tools',
        cause: error,
      });
    }
  }

  literal(text: string): string {
    return this.#grammar.literal(text);
  }

  toString(root: string): string {
    return this.#grammar.toString(root);
  }

  #schema(schema: unknown, { path, strict }: { path: string; strict: boolean }): string {
    const unsupported = strict && this.#unsupported === 'reject' ? 'reject' : 'drop';
    try {
      const { rule, dropped } = this.#grammar.addSchema(schema, { unsupported, path });
      for (const { path: place, keyword } of dropped) this.ignored.push(`${place}.${keyword}`);
      return rule;
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error;
      throw new GatewayError(ERROR_CODES[error.kind], error.message, { param: error.path, cause: error });
    }
  }
}
