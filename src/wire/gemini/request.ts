/**
 * The body of Gemini's native `generateContent` and `streamGenerateContent`, as this project sends it: lowerCamelCase
 * names, lists always as arrays. One type for both upstreams; which of them knows a field stands beside it.
 * Source: Google's public API discovery documents (aiplatform v1, generativelanguage v1beta).
 */

/** The Vertex AI API or the Gemini Developer API. */
export type GeminiUpstream = 'vertex' | 'gemini';

export interface GenerateContentRequest {
  contents: Content[];
  /** Text parts only; each is a paragraph. */
  systemInstruction?: Content;
  tools?: GeminiTool[];
  toolConfig?: ToolConfig;
  generationConfig?: GenerationConfig;
  /** At most one for each category. */
  safetySettings?: SafetySetting[];
  /** Resource name. The cache brings its own system instruction, tools and tool configuration. */
  cachedContent?: string;
  /** Vertex AI only: labels of the bill. */
  labels?: Record<string, string>;
  /** Vertex AI only; excludes `safetySettings`. */
  modelArmorConfig?: NativeObject;
  /** Gemini Developer API only. */
  serviceTier?: 'standard' | 'flex' | 'priority';
}

/** A native object the client wrote, checked against the upstream's schema and otherwise sent on as it is. */
export type NativeObject = Record<string, unknown>;

export interface Content {
  /** Absent in `systemInstruction` only. */
  role?: 'user' | 'model';
  parts: Part[];
}

/** Exactly one of the data members, and modifiers beside it. */
export interface Part {
  text?: string;
  inlineData?: InlineData;
  fileData?: FileData;
  functionCall?: FunctionCall;
  functionResponse?: FunctionResponse;
  /** The part belongs to the model's reasoning. */
  thought?: boolean;
  /** Opaque base64; goes back verbatim on the part it came with. */
  thoughtSignature?: string;
  videoMetadata?: VideoMetadata;
  /** Gemini 3 and later; earlier models take it for the whole request. */
  mediaResolution?: { level: string };
}

export interface InlineData {
  mimeType: string;
  /** Base64, standard alphabet, padded. */
  data: string;
  /** Vertex AI only. */
  displayName?: string;
}

export interface FileData {
  /** Required on Vertex AI. */
  mimeType?: string;
  fileUri: string;
  /** Vertex AI only. */
  displayName?: string;
}

export interface VideoMetadata {
  /** A protobuf Duration such as `3.5s`. */
  startOffset?: string;
  endOffset?: string;
  /** Frames per second, above 0 and at most 24. */
  fps?: number;
}

export interface FunctionCall {
  id?: string;
  name: string;
  args?: Record<string, unknown>;
}

export interface FunctionResponse {
  id?: string;
  name: string;
  /** The keys `output` and `error` have a meaning; else the whole object is the output. */
  response: Record<string, unknown>;
  /** Gemini 3 and later. */
  parts?: FunctionResponsePart[];
}

export interface FunctionResponsePart {
  inlineData?: InlineData;
  /** Vertex AI only. */
  fileData?: FileData;
}

/** A set of function declarations, or one or more tools that Google runs, such as `{googleSearch: {}}`. */
export interface GeminiTool {
  functionDeclarations?: FunctionDeclaration[];
  [tool: string]: unknown;
}

export interface FunctionDeclaration {
  /** Starts with a letter or `_`; letters, digits, `_`, `.`, `:` and `-`; at most 128 characters. */
  name: string;
  description?: string;
  /** Excludes `parametersJsonSchema`. */
  parameters?: Schema;
  parametersJsonSchema?: unknown;
}

export interface ToolConfig {
  functionCallingConfig?: FunctionCallingConfig;
  [member: string]: unknown;
}

export interface FunctionCallingConfig {
  mode?: FunctionCallingMode;
  /** With mode `ANY` or `VALIDATED` only; every name must be declared. */
  allowedFunctionNames?: string[];
  /** Vertex AI only. */
  streamFunctionCallArguments?: boolean;
}

/** `VALIDATED`: the model may call or answer, and calls follow their schema. Gemini 2.5 and later. */
export type FunctionCallingMode = 'AUTO' | 'ANY' | 'NONE' | 'VALIDATED';

/** Members without a type of their own come from the client's native objects. */
export interface GenerationConfig {
  /** Counts thinking tokens too. */
  maxOutputTokens?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  candidateCount?: number;
  stopSequences?: string[];
  /** int32. */
  seed?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  responseLogprobs?: boolean;
  /** Alternatives for each token; needs `responseLogprobs`. */
  logprobs?: number;
  responseMimeType?: string;
  /** Excludes `responseJsonSchema`. */
  responseSchema?: Schema;
  responseJsonSchema?: unknown;
  responseModalities?: string[];
  speechConfig?: NativeObject;
  mediaResolution?: string;
  thinkingConfig?: ThinkingConfig;
  [member: string]: unknown;
}

/** Budget and level exclude each other. */
export interface ThinkingConfig {
  includeThoughts?: boolean;
  /** Tokens; 0 for none, -1 leaves it to the model. Gemini 2.5, tolerated by Gemini 3. */
  thinkingBudget?: number;
  /** Gemini 3 and later. */
  thinkingLevel?: ThinkingLevel;
}

export type ThinkingLevel = 'MINIMAL' | 'LOW' | 'MEDIUM' | 'HIGH';

export interface SafetySetting {
  category: string;
  threshold: string;
  /** Vertex AI only. */
  method?: string;
}

export type SchemaType = 'STRING' | 'NUMBER' | 'INTEGER' | 'BOOLEAN' | 'ARRAY' | 'OBJECT' | 'NULL';

/** Google's subset of an OpenAPI 3.0 schema. The limits that are counts are int64, written as decimal strings. */
export interface Schema {
  type?: SchemaType;
  format?: string;
  title?: string;
  description?: string;
  nullable?: boolean;
  default?: unknown;
  example?: unknown;
  enum?: string[];
  items?: Schema;
  minItems?: string;
  maxItems?: string;
  minimum?: number;
  maximum?: number;
  minLength?: string;
  maxLength?: string;
  pattern?: string;
  minProperties?: string;
  maxProperties?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  propertyOrdering?: string[];
  anyOf?: Schema[];
}
