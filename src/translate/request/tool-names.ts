import type { ChatCompletionRequest, CustomTool, FunctionTool, Tool } from '../../wire/openai/request.ts';

/** Native function names start with a letter or `_`. Contract section 7.1. */
const NATIVE_START = /^[A-Za-z_]/;

/**
 * The native names of a request's functions. OpenAI allows a digit or dash in front, Gemini does not: such a name gets
 * a `_` before it, or more than one where that name is taken.
 */
export class ToolNames {
  readonly #native = new Map<string, string>();
  readonly #taken: Set<string>;

  /** @param declared the names of all functions of the request, in its own spelling */
  constructor(declared: readonly string[]) {
    this.#taken = new Set(declared.filter((name) => NATIVE_START.test(name)));
    for (const name of declared) this.toNative(name);
  }

  /** The native name of a function, declared or only called in an earlier message. */
  toNative(name: string): string {
    if (NATIVE_START.test(name)) return name;
    const known = this.#native.get(name);
    if (known !== undefined) return known;
    let native = `_${name}`;
    while (this.#taken.has(native)) native = `_${native}`;
    this.#taken.add(native);
    this.#native.set(name, native);
    return native;
  }

  /** Native names by which the answer may call, with the client's own where they differ. */
  get renamed(): ReadonlyMap<string, string> {
    return new Map([...this.#native].map(([name, native]) => [native, name]));
  }
}

/** The names of all functions and custom tools of a request. */
export function declaredNames({ tools, functions }: ChatCompletionRequest): string[] {
  return [
    ...(tools ?? []).flatMap((tool) => {
      if (isFunctionTool(tool)) return [tool.function.name];
      return isCustomTool(tool) ? [tool.custom.name] : [];
    }),
    ...(functions ?? []).map(({ name }) => name),
  ];
}

export function isFunctionTool(tool: Tool): tool is FunctionTool {
  return tool.type === 'function';
}

export function isCustomTool(tool: Tool): tool is CustomTool {
  return tool.type === 'custom';
}
