/** What a Gemini model can do that changes how a request is written for it. New models need no entry. */
export interface ModelCapabilities {
  /** Takes JSON Schema (`parametersJsonSchema`, `responseJsonSchema`) beside the OpenAPI subset. */
  readonly jsonSchema: boolean;
  /** String formats other than `enum` and `date-time` are accepted in OpenAPI schemas. */
  readonly anyStringFormat: boolean;
  /** Knows the function calling mode `VALIDATED`. */
  readonly validatedMode: boolean;
  /** Media resolution may differ from part to part; else one value holds for the whole request. */
  readonly partMediaResolution: boolean;
  /** Tool results may hold images and files. */
  readonly functionResponseParts: boolean;
  /** Refuses a step of the current turn whose first function call has no thought signature. */
  readonly signatureRequired: boolean;
}

/** Gemini's first names, before versions stood in them. */
const UNVERSIONED = /^gemini-(pro|ultra)(-vision)?$/;
const VERSIONED = /^gemini-(\d+)(?:\.(\d+))?/;

/**
 * The capabilities of a model by its bare id, such as `gemini-2.5-flash`. A `gemini-` name without a version, such as
 * `gemini-flash-latest`, counts as a new one; any other name (Gemma, a tuned model's endpoint) as an old one, since
 * what is written for old models works on new ones too.
 */
export function capabilitiesOf(model: string): ModelCapabilities {
  const generation = generationOf(model);
  const isThird = generation >= 3;
  const isNew = generation >= 2.5;
  return {
    jsonSchema: isNew,
    anyStringFormat: isNew,
    validatedMode: isNew,
    partMediaResolution: isThird,
    functionResponseParts: isThird,
    signatureRequired: isThird,
  };
}

function generationOf(model: string): number {
  const [version, major, minor] = VERSIONED.exec(model) ?? [];
  if (version !== undefined) return Number(`${major}.${minor ?? 0}`);
  return model.startsWith('gemini-') && !UNVERSIONED.test(model) ? Infinity : 0;
}
