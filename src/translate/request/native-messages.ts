/**
 * The native messages a client may write by itself, under `google` or in `extra_content`.
 * Source: Google's public API discovery documents (aiplatform v1, generativelanguage v1beta). Left out are fields of
 * the Live API and those that neither upstream's current version documents for `generateContent`.
 */
import {
  anyValue,
  boolean,
  bytes,
  duration,
  float,
  int32,
  int64,
  listOf,
  mapOf,
  message,
  type NativeShape,
  number,
  onGemini,
  oneOfNames,
  onVertex,
  text,
  timestamp,
} from './native-shape.ts';

const empty = message({});

const BLOCK_THRESHOLDS = [
  'BLOCK_LOW_AND_ABOVE',
  'BLOCK_MEDIUM_AND_ABOVE',
  'BLOCK_ONLY_HIGH',
  'BLOCK_NONE',
  'OFF',
];

export const safetySetting = message({
  category: oneOfNames(
    [
      'HARM_CATEGORY_HARASSMENT',
      'HARM_CATEGORY_HATE_SPEECH',
      'HARM_CATEGORY_SEXUALLY_EXPLICIT',
      'HARM_CATEGORY_DANGEROUS_CONTENT',
      'HARM_CATEGORY_CIVIC_INTEGRITY',
    ],
    {
      vertex: [
        'HARM_CATEGORY_JAILBREAK',
        'HARM_CATEGORY_IMAGE_HATE',
        'HARM_CATEGORY_IMAGE_DANGEROUS_CONTENT',
        'HARM_CATEGORY_IMAGE_HARASSMENT',
        'HARM_CATEGORY_IMAGE_SEXUALLY_EXPLICIT',
      ],
    },
  ),
  threshold: oneOfNames(BLOCK_THRESHOLDS),
  method: onVertex(oneOfNames(['SEVERITY', 'PROBABILITY'])),
});

export const modelArmorConfig = message({ promptTemplateName: text, responseTemplateName: text });

const schemaFields: Record<string, NativeShape> = {
  type: oneOfNames(['STRING', 'NUMBER', 'INTEGER', 'BOOLEAN', 'ARRAY', 'OBJECT', 'NULL']),
  format: text,
  title: text,
  description: text,
  nullable: boolean,
  default: anyValue,
  example: anyValue,
  enum: listOf(text),
  minItems: int64,
  maxItems: int64,
  minimum: number,
  maximum: number,
  minLength: int64,
  maxLength: int64,
  pattern: text,
  minProperties: int64,
  maxProperties: int64,
  required: listOf(text),
  propertyOrdering: listOf(text),
  additionalProperties: onVertex(anyValue),
  ref: onVertex(text),
};

const schema = message(schemaFields);
schemaFields['items'] = schema;
schemaFields['properties'] = mapOf(schema);
schemaFields['anyOf'] = listOf(schema);
schemaFields['defs'] = onVertex(mapOf(schema));

const functionDeclaration = message({
  name: text,
  description: text,
  parameters: schema,
  parametersJsonSchema: anyValue,
  response: schema,
  responseJsonSchema: anyValue,
});

const blockingConfidence = oneOfNames([
  'BLOCK_LOW_AND_ABOVE',
  'BLOCK_MEDIUM_AND_ABOVE',
  'BLOCK_HIGH_AND_ABOVE',
  'BLOCK_HIGHER_AND_ABOVE',
  'BLOCK_VERY_HIGH_AND_ABOVE',
  'BLOCK_ONLY_EXTREMELY_HIGH',
]);

const apiAuth = message({ apiKeyConfig: message({ apiKeySecretVersion: text, apiKeyString: text }) });

const authConfig = message(
  {
    authType: oneOfNames([
      'NO_AUTH',
      'API_KEY_AUTH',
      'HTTP_BASIC_AUTH',
      'GOOGLE_SERVICE_ACCOUNT_AUTH',
      'OAUTH',
      'OIDC_AUTH',
    ]),
    apiKeyConfig: message({
      name: text,
      apiKeySecret: text,
      apiKeyString: text,
      httpElementLocation: oneOfNames(
        ['QUERY', 'HEADER', 'PATH', 'BODY', 'COOKIE'].map((place) => `HTTP_IN_${place}`),
        {
          prefix: 'HTTP_IN_',
        },
      ),
    }),
    httpBasicAuthConfig: message({ credentialSecret: text }),
    googleServiceAccountConfig: message({ serviceAccount: text }),
    oauthConfig: message({ accessToken: text, serviceAccount: text }),
    oidcConfig: message({ idToken: text, serviceAccount: text }),
  },
  ['apiKeyConfig', 'httpBasicAuthConfig', 'googleServiceAccountConfig', 'oauthConfig', 'oidcConfig'],
);

const vertexRagStore = message({
  ragResources: listOf(message({ ragCorpus: text, ragFileIds: listOf(text) })),
  similarityTopK: int32,
  vectorDistanceThreshold: number,
  ragRetrievalConfig: message({
    topK: int32,
    filter: message(
      { metadataFilter: text, vectorDistanceThreshold: number, vectorSimilarityThreshold: number },
      ['vectorDistanceThreshold', 'vectorSimilarityThreshold'],
    ),
    ranking: message({ rankService: message({ modelName: text }), llmRanker: message({ modelName: text }) }, [
      'rankService',
      'llmRanker',
    ]),
  }),
});

const retrieval = message(
  {
    disableAttribution: boolean,
    vertexAiSearch: message({
      datastore: text,
      engine: text,
      filter: text,
      maxResults: int32,
      dataStoreSpecs: listOf(message({ dataStore: text, filter: text })),
    }),
    vertexRagStore,
    externalApi: message({
      apiSpec: oneOfNames(['SIMPLE_SEARCH', 'ELASTIC_SEARCH']),
      endpoint: text,
      apiAuth,
      authConfig,
      simpleSearchParams: empty,
      elasticSearchParams: message({ index: text, numHits: int32, searchTemplate: text }),
    }),
  },
  ['vertexAiSearch', 'vertexRagStore', 'externalApi'],
);

/** Tools that Google runs, by their field of the native Tool message. */
export const builtInTools: Readonly<Record<string, NativeShape>> = {
  googleSearch: message({
    searchTypes: message({ webSearch: empty, imageSearch: empty }),
    excludeDomains: onVertex(listOf(text)),
    blockingConfidence: onVertex(blockingConfidence),
    timeRangeFilter: onGemini(message({ startTime: timestamp, endTime: timestamp })),
  }),
  googleSearchRetrieval: message({
    dynamicRetrievalConfig: message({ mode: oneOfNames(['MODE_DYNAMIC']), dynamicThreshold: float }),
  }),
  urlContext: empty,
  codeExecution: empty,
  googleMaps: message({
    enableWidget: boolean,
    groundingTypes: onVertex(message({ places: empty, routing: empty })),
  }),
  computerUse: message({
    environment: oneOfNames(['ENVIRONMENT_BROWSER'], {
      prefix: 'ENVIRONMENT_',
      vertex: ['ENVIRONMENT_MOBILE', 'ENVIRONMENT_DESKTOP'],
    }),
    excludedPredefinedFunctions: listOf(text),
    enablePromptInjectionDetection: onVertex(boolean),
  }),
  enterpriseWebSearch: onVertex(message({ excludeDomains: listOf(text), blockingConfidence })),
  exaAiSearch: onVertex(message({ apiKey: text, customConfigs: mapOf(anyValue) })),
  parallelAiSearch: onVertex(
    message({
      apiKey: text,
      customConfigs: mapOf(anyValue),
      enableDataRetention: boolean,
      enableZeroDataRetention: boolean,
    }),
  ),
  retrieval: onVertex(retrieval),
  fileSearch: onGemini(message({ fileSearchStoreNames: listOf(text), metadataFilter: text, topK: int32 })),
  mcpServers: onGemini(
    listOf(
      message({
        name: text,
        streamableHttpTransport: message({
          url: text,
          headers: mapOf(text),
          timeout: duration,
          sseReadTimeout: duration,
          terminateOnClose: boolean,
        }),
      }),
    ),
  ),
};

export const tool = message({ functionDeclarations: listOf(functionDeclaration), ...builtInTools });

export const toolConfig = message({
  functionCallingConfig: message({
    mode: oneOfNames(['AUTO', 'ANY', 'NONE', 'VALIDATED']),
    allowedFunctionNames: listOf(text),
    streamFunctionCallArguments: onVertex(boolean),
  }),
  retrievalConfig: message({ latLng: message({ latitude: number, longitude: number }), languageCode: text }),
  includeServerSideToolInvocations: onGemini(boolean),
});

const voiceConfig = message(
  {
    prebuiltVoiceConfig: message({ voiceName: text }),
    replicatedVoiceConfig: onVertex(message({ mimeType: text, voiceSampleAudio: bytes })),
  },
  ['prebuiltVoiceConfig', 'replicatedVoiceConfig'],
);

const thinkingConfig = message(
  {
    includeThoughts: boolean,
    thinkingBudget: int32,
    thinkingLevel: oneOfNames(['MINIMAL', 'LOW', 'MEDIUM', 'HIGH']),
  },
  ['thinkingBudget', 'thinkingLevel'],
);

export const generationConfig = message(
  {
    temperature: float,
    topP: float,
    // The Developer API takes whole numbers only, and no model means anything else by it.
    topK: int32,
    candidateCount: int32,
    maxOutputTokens: int32,
    stopSequences: listOf(text),
    seed: int32,
    presencePenalty: float,
    frequencyPenalty: float,
    responseLogprobs: boolean,
    logprobs: int32,
    responseMimeType: text,
    responseSchema: schema,
    responseJsonSchema: anyValue,
    responseModalities: listOf(oneOfNames(['TEXT', 'IMAGE', 'AUDIO'], { vertex: ['VIDEO'] })),
    speechConfig: message({
      languageCode: text,
      voiceConfig,
      multiSpeakerVoiceConfig: message({
        speakerVoiceConfigs: listOf(message({ speaker: text, voiceConfig })),
      }),
    }),
    imageConfig: message({
      aspectRatio: text,
      imageSize: text,
      personGeneration: onVertex(oneOfNames(['ALLOW_ALL', 'ALLOW_ADULT', 'ALLOW_NONE'])),
      prominentPeople: onVertex(oneOfNames(['ALLOW_PROMINENT_PEOPLE', 'BLOCK_PROMINENT_PEOPLE'])),
      imageOutputOptions: onVertex(message({ mimeType: text, compressionQuality: int32 })),
    }),
    mediaResolution: oneOfNames(
      ['MEDIA_RESOLUTION_LOW', 'MEDIA_RESOLUTION_MEDIUM', 'MEDIA_RESOLUTION_HIGH'],
      { prefix: 'MEDIA_RESOLUTION_' },
    ),
    thinkingConfig,
    audioTimestamp: onVertex(boolean),
    routingConfig: onVertex(
      message(
        {
          autoMode: message({
            modelRoutingPreference: oneOfNames(['PRIORITIZE_QUALITY', 'BALANCED', 'PRIORITIZE_COST']),
          }),
          manualMode: message({ modelName: text }),
        },
        ['autoMode', 'manualMode'],
      ),
    ),
    enableEnhancedCivicAnswers: onGemini(boolean),
  },
  ['responseSchema', 'responseJsonSchema'],
);

export const systemInstruction = message({ role: text, parts: listOf(message({ text })) });

export const videoMetadata = message({ startOffset: duration, endOffset: duration, fps: number });

export const partMediaResolution = message({
  level: oneOfNames(
    ['LOW', 'MEDIUM', 'HIGH', 'ULTRA_HIGH'].map((level) => `MEDIA_RESOLUTION_${level}`),
    {
      prefix: 'MEDIA_RESOLUTION_',
    },
  ),
});

export const functionResponsePart = message(
  {
    inlineData: message({ mimeType: text, data: bytes, displayName: onVertex(text) }),
    fileData: onVertex(message({ mimeType: text, fileUri: text, displayName: text })),
  },
  ['inlineData', 'fileData'],
);
