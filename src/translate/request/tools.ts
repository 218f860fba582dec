import type { FunctionDeclaration, GeminiTool } from '../../wire/gemini/request.ts';
import type { CustomTool, FunctionDefinition } from '../../wire/openai/request.ts';
import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';
import { builtInTools, tool as nativeTool } from './native-messages.ts';
import type { FieldPath } from './receipt.ts';
import { googlePath, type RequestContext } from './request-context.ts';
import { translateSchema } from './schema-translation.ts';
import { isCustomTool, isFunctionTool, type ToolNames } from './tool-names.ts';

/** The tools of a request in native form. */
export interface NativeTools {
  readonly declarations: readonly FunctionDeclaration[];
  /** Tools that Google runs, one entry each. */
  readonly builtIn: readonly GeminiTool[];
  /** A function with `strict: true` is declared. */
  readonly hasStrict: boolean;
}

/**
 * Functions, custom tools and tools that Google runs, from `tools`, `functions`, `web_search_options` and
 * `google.tools`. Contract sections 7.1, 7.7 and 4.2.
 */
export function toNativeTools(context: RequestContext, names: ToolNames): NativeTools {
  const { request } = context;
  const collector = new ToolCollector(context, names);
  for (const [index, tool] of (request.tools ?? []).entries()) {
    if (isFunctionTool(tool)) collector.addFunction(tool.function, ['tools', index, 'function']);
    else if (isCustomTool(tool)) collector.addCustom(tool, ['tools', index, 'custom']);
    else collector.addBuiltIn(tool, ['tools', index]);
  }
  for (const [index, definition] of (request.functions ?? []).entries()) {
    collector.addFunction(definition, ['functions', index]);
  }
  if (request.web_search_options != null) collector.addWebSearch(request.web_search_options);
  const native = context.extras.google['tools'];
  if (native !== undefined) collector.addNative(native, googlePath(context, 'tools'));
  return collector;
}

/** All function declarations in one entry, since older models refuse several, then the tools that Google runs. */
export function toToolList({
  declarations,
  builtIn,
}: Pick<NativeTools, 'declarations' | 'builtIn'>): GeminiTool[] {
  return [...(declarations.length === 0 ? [] : [{ functionDeclarations: [...declarations] }]), ...builtIn];
}

const MAX_NATIVE_NAME = 128;

/** A custom tool takes free text; as a function that is one string. */
const CUSTOM_INPUT = {
  type: 'object',
  properties: { input: { type: 'string' } },
  required: ['input'],
};

class ToolCollector implements NativeTools {
  readonly declarations: FunctionDeclaration[] = [];
  readonly builtIn: GeminiTool[] = [];
  hasStrict = false;
  readonly #declared = new Set<string>();
  readonly #context: RequestContext;
  readonly #names: ToolNames;

  constructor(context: RequestContext, names: ToolNames) {
    this.#context = context;
    this.#names = names;
  }

  addFunction({ name, description, parameters, strict }: FunctionDefinition, path: FieldPath): void {
    const schema = parameters == null || !hasArguments(parameters) ? undefined : parameters;
    this.#declare({ name, description, schema }, [...path, 'name'], [...path, 'parameters']);
    if (strict !== true) return;
    if (this.#context.model.validatedMode) this.hasStrict = true;
    else this.#context.receipt.ignore([...path, 'strict']);
  }

  addCustom({ custom: { name, description, format } }: CustomTool, path: FieldPath): void {
    if (format != null && format.type !== 'text') {
      this.#context.receipt.refuse(
        [...path, 'format'],
        'cannot be enforced: Gemini takes no grammars, only type "text"',
      );
    }
    this.#declare({ name, description, schema: CUSTOM_INPUT }, [...path, 'name'], path);
  }

  /** `{"type":"google_search"}`, with options under the type's own name or beside it. */
  addBuiltIn(tool: JsonObject & { readonly type: string }, path: FieldPath): void {
    const { type, ...beside } = tool;
    const name = type.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const shape = Object.hasOwn(builtInTools, name) ? builtInTools[name] : undefined;
    if (shape === undefined) {
      this.#context.receipt.refuse(
        [...path, 'type'],
        `must be "function", "custom" or a tool that Google runs, such as "google_search", not ${JSON.stringify(type.slice(0, 60))}`,
      );
      return;
    }
    const isNested = beside[type] !== undefined;
    const options = this.#context.native.read(
      isNested ? beside[type] : beside,
      shape,
      isNested ? [...path, type] : path,
    );
    if (options !== undefined) this.builtIn.push({ [name]: options });
  }

  addWebSearch({ user_location: location }: { readonly user_location?: unknown }): void {
    if (location != null) {
      this.#context.receipt.refuse(
        ['web_search_options', 'user_location'],
        'cannot be honoured: Google Search takes no location',
      );
    }
    if (!this.builtIn.some((tool) => 'googleSearch' in tool)) this.builtIn.push({ googleSearch: {} });
  }

  addNative(tools: unknown, path: FieldPath): void {
    const list = this.#context.native.read(tools, { kind: 'list', item: nativeTool }, path) as
      | GeminiTool[]
      | undefined;
    for (const { functionDeclarations, ...builtIn } of list ?? []) {
      for (const declaration of functionDeclarations ?? []) this.#addDeclaration(declaration, path);
      if (Object.keys(builtIn).length > 0) this.builtIn.push(builtIn);
    }
  }

  #declare(
    {
      name,
      description,
      schema,
    }: { name: string; description?: string | null | undefined; schema?: unknown },
    namePath: FieldPath,
    schemaPath: FieldPath,
  ): void {
    const native = this.#names.toNative(name);
    const translated =
      schema === undefined
        ? undefined
        : translateSchema(schema, { path: schemaPath, purpose: 'arguments' }, this.#context);
    const declaration: FunctionDeclaration = { name: native };
    if (description != null && description !== '') declaration.description = description;
    if (translated?.language === 'json') declaration.parametersJsonSchema = translated.schema;
    else if (translated?.language === 'openapi') declaration.parameters = translated.schema;
    this.#addDeclaration(declaration, namePath);
  }

  #addDeclaration(declaration: FunctionDeclaration, path: FieldPath): void {
    const { name } = declaration;
    if (name.length > MAX_NATIVE_NAME) {
      this.#context.receipt.fail(
        path,
        `is too long: with the "_" Gemini needs before it, it has ${name.length} characters`,
      );
    } else if (this.#declared.has(name)) {
      this.#context.receipt.fail(path, `declares ${JSON.stringify(name)} once more`);
    } else {
      this.#declared.add(name);
      this.declarations.push(declaration);
    }
  }
}

/** Keywords by which a schema without `properties` still allows arguments. */
const OTHER_ARGUMENTS = ['$ref', 'allOf', 'anyOf', 'oneOf', 'patternProperties'];

/** Whether a function takes arguments at all; Gemini refuses an object schema without properties. */
function hasArguments(parameters: JsonObject): boolean {
  const { properties, additionalProperties } = parameters;
  if (isJsonObject(properties) && Object.keys(properties).length > 0) return true;
  return (
    isJsonObject(additionalProperties) || OTHER_ARGUMENTS.some((keyword) => parameters[keyword] !== undefined)
  );
}
