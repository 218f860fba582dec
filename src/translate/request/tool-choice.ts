import type { FunctionCallingConfig, FunctionDeclaration, ToolConfig } from '../../wire/gemini/request.ts';
import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';
import { toolConfig } from './native-messages.ts';
import type { FieldPath } from './receipt.ts';
import { googlePath, type RequestContext } from './request-context.ts';
import type { ToolNames } from './tool-names.ts';
import type { NativeTools } from './tools.ts';

/** How the model may use the request's functions. */
export interface NativeToolUse {
  readonly toolConfig?: ToolConfig;
  /** The declarations to send: fewer than there are where the model cannot be told which it may call. */
  readonly declarations: readonly FunctionDeclaration[];
}

/**
 * `tool_choice` or `function_call`, over `google.tool_config`, with `stream_function_call_arguments`.
 * Contract sections 7.4, 7.7 and 4.2.
 */
export function toToolUse(
  { declarations, hasStrict }: NativeTools,
  names: ToolNames,
  context: RequestContext,
): NativeToolUse {
  const base =
    context.native.readObject(
      context.extras.google['tool_config'],
      toolConfig,
      googlePath(context, 'tool_config'),
    ) ?? {};
  const { functionCallingConfig: native, ...others } = base as ToolConfig;
  const choice = readChoice(declarations, names, context);
  const calling: FunctionCallingConfig = {
    ...(choice === undefined ? native : { mode: choice.mode }),
    ...(choice?.allowed === undefined ? {} : { allowedFunctionNames: choice.allowed }),
    ...readStreaming(context),
  };
  // VALIDATED leaves the model the same choice as AUTO and holds its calls to their schema.
  if (hasStrict && (calling.mode ?? 'AUTO') === 'AUTO') calling.mode = 'VALIDATED';
  const config: ToolConfig = {
    ...others,
    ...(Object.keys(calling).length === 0 ? {} : { functionCallingConfig: calling }),
  };
  return {
    declarations: choice?.declared ?? declarations,
    ...(Object.keys(config).length === 0 ? {} : { toolConfig: config }),
  };
}

interface Choice {
  readonly mode: 'AUTO' | 'ANY' | 'NONE' | 'VALIDATED';
  readonly allowed?: string[];
  readonly declared?: readonly FunctionDeclaration[];
}

const MODES = { auto: 'AUTO', none: 'NONE', required: 'ANY', validated: 'VALIDATED' } as const;

function readChoice(
  declarations: readonly FunctionDeclaration[],
  names: ToolNames,
  context: RequestContext,
): Choice | undefined {
  const { tool_choice: toolChoice, function_call: functionCall } = context.request;
  const word = functionCall ?? toolChoice;
  if (word == null) return undefined;
  if (typeof word === 'string') {
    // Without functions there is nothing to choose, and older servers refuse the setting.
    return declarations.length === 0 && (word === 'auto' || word === 'none')
      ? undefined
      : { mode: MODES[word] };
  }
  const known = new Set(declarations.map(({ name }) => name));
  const toKnown = (name: string | undefined, path: FieldPath): string[] => {
    const native = name === undefined ? undefined : names.toNative(name);
    if (native !== undefined && known.has(native)) return [native];
    context.receipt.fail(path, 'must name a declared function');
    return [];
  };
  if (functionCall != null) return { mode: 'ANY', allowed: toKnown(nameOf(word), ['function_call', 'name']) };
  if (!('allowed_tools' in word)) return { mode: 'ANY', allowed: toKnown(nameOf(word), ['tool_choice']) };
  const { mode, tools } = word.allowed_tools;
  const listPath = ['tool_choice', 'allowed_tools', 'tools'];
  const allowed = tools.flatMap((tool, index) => toKnown(nameOf(tool), [...listPath, index]));
  if (mode === 'required') return { mode: 'ANY', allowed };
  if (context.model.validatedMode) return { mode: 'VALIDATED', allowed };
  const sent = new Set(allowed);
  return { mode: 'AUTO', declared: declarations.filter(({ name }) => sent.has(name)) };
}

/** The name in `{function: {name}}`, `{custom: {name}}` or `{name}`. */
function nameOf(choice: JsonObject): string | undefined {
  const { function: called, custom, name } = choice;
  const places = [called, custom].filter(isJsonObject).map((inner) => inner['name']);
  return [...places, name].find((candidate) => typeof candidate === 'string');
}

/** Pieces instead of whole arguments change how an answer arrives, not what it says. */
function readStreaming(context: RequestContext): FunctionCallingConfig {
  const wanted = context.extras.google['stream_function_call_arguments'];
  if (wanted !== true) return {};
  if (context.target.upstream === 'vertex') return { streamFunctionCallArguments: true };
  context.receipt.ignore(googlePath(context, 'stream_function_call_arguments'));
  return {};
}
