import { GatewayError } from '../../../errors.ts';
import type {
  ChatCompletionRequest,
  CustomTool,
  FunctionDefinition,
  FunctionTool,
  Tool,
} from '../../../wire/openai/request.ts';

/** A tool the model may call. */
export interface CallableTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly parameters: Record<string, unknown>;
  /** The arguments must follow the schema to the letter. */
  readonly strict: boolean;
  /** Where its schema stands in the request. */
  readonly path: string;
}

/** The tools of a request and how they may be used. */
export interface ToolSet {
  readonly tools: readonly CallableTool[];
  /** `auto`: the model decides; `required`: it must call one of `tools`. */
  readonly use: 'auto' | 'required';
  /** Several calls may stand in one answer. */
  readonly parallel: boolean;
}

/**
 * The tools a model may call for this request; `undefined` for none. Contract sections 7.1, 7.4 and 7.7.
 *
 * @throws {GatewayError} `unsupported_parameter` for tools that only Google's servers can run
 */
export function readToolSet(request: ChatCompletionRequest): ToolSet | undefined {
  const declared = [
    ...(request.tools ?? []).map((tool, index) => toCallable(tool, `tools[${index}]`)),
    ...(request.functions ?? []).map((definition, index) => fromFunction(definition, `functions[${index}]`)),
  ];
  if (declared.length === 0) return undefined;
  const choice = readChoice(request);
  if (choice.use === 'none') return undefined;
  const { names } = choice;
  const tools = names === undefined ? declared : declared.filter(({ name }) => names.includes(name));
  // OpenAI's default permits several calls, it does not ask for them; a small model that may repeat itself does.
  const parallel = request.parallel_tool_calls === true && names?.length !== 1;
  return { tools, use: choice.use, parallel };
}

type Choice = { use: 'none' } | { use: 'auto' | 'required'; names?: string[] };

function readChoice({ tool_choice: toolChoice, function_call: functionCall }: ChatCompletionRequest): Choice {
  if (functionCall != null) {
    if (typeof functionCall === 'object') return { use: 'required', names: [functionCall.name] };
    return { use: functionCall };
  }
  if (toolChoice == null) return { use: 'auto' };
  if (typeof toolChoice === 'string') return { use: toolChoice === 'validated' ? 'auto' : toolChoice };
  switch (toolChoice.type) {
    case 'allowed_tools': {
      const { mode, tools } = toolChoice.allowed_tools;
      return { use: mode, names: tools.map(nameOf) };
    }
    case 'custom':
      return { use: 'required', names: [toolChoice.custom.name] };
    case 'function':
      return { use: 'required', names: [nameOf(toolChoice)] };
  }
}

/** The name in `{function: {name}}`, `{custom: {name}}` or `{name}`. */
function nameOf(entry: Record<string, unknown>): string {
  for (const inner of [entry['function'], entry['custom'], entry]) {
    if (typeof inner === 'object' && inner !== null && 'name' in inner && typeof inner.name === 'string') {
      return inner.name;
    }
  }
  return '';
}

function isFunctionTool(tool: Tool): tool is FunctionTool {
  return tool.type === 'function';
}

function isCustomTool(tool: Tool): tool is CustomTool {
  return tool.type === 'custom';
}

function toCallable(tool: Tool, path: string): CallableTool {
  if (isFunctionTool(tool)) return fromFunction(tool.function, `${path}.function`);
  if (isCustomTool(tool)) {
    const { name, description, format } = tool.custom;
    if (format != null && format.type !== 'text') {
      throw new GatewayError(
        'unsupported_parameter',
        `A custom tool with a ${format.type} format cannot be enforced here; use type text or a function.`,
        {
          param: `${path}.custom.format`,
        },
      );
    }
    return {
      name,
      description: description ?? '',
      parameters: {
        type: 'object',
        properties: { input: { type: 'string' } },
        required: ['input'],
        additionalProperties: false,
      },
      strict: true,
      path: `${path}.custom`,
    };
  }
  throw new GatewayError(
    'unsupported_parameter',
    `A tool of type ${JSON.stringify(tool.type)} runs on Google's servers; the embedded model can only call functions.`,
    { param: `${path}.type` },
  );
}

function fromFunction(
  { name, description, parameters, strict }: FunctionDefinition,
  path: string,
): CallableTool {
  return {
    name,
    description: description ?? '',
    parameters: parameters ?? { type: 'object', properties: {} },
    strict: strict === true,
    path: `${path}.parameters`,
  };
}
