import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  hash,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { promisify } from 'node:util';
import { decodeBase64Url, parseObject } from './json-web-token.ts';
import { folderError, type LocalFolder } from './local-folder.ts';

/** What the local sign-in signs its tokens with. */
export interface SigningKeys {
  /** 32 bytes, for access tokens. */
  readonly accessTokenSecret: Buffer;
  /** For ID tokens. */
  readonly idTokenKey: {
    readonly keyId: string;
    readonly privateKey: KeyObject;
    readonly publicKey: KeyObject;
  };
}

const FILE = 'signing-keys.json';
const SECRET_BYTES = 32;
const RSA_BITS = 2048;

const generateKeys = promisify(generateKeyPair);

/** An RSA key pair as Google gives its service accounts. */
export function generateRsaKeys(): Promise<{
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}> {
  return generateKeys('rsa', { modulusLength: RSA_BITS });
}

/**
 * The signing keys of one `PARLANCE_HOME`, made when first needed. Kept on disk, so that tokens outlive a restart and
 * hold for every process with the same home.
 */
export class LocalKeys {
  readonly #folder: LocalFolder;
  #keys: Promise<SigningKeys> | undefined;

  constructor(folder: LocalFolder) {
    this.#folder = folder;
  }

  /** @throws {GatewayError} `internal_error` when they cannot be read or written, or others can read them */
  async get(): Promise<SigningKeys> {
    this.#keys ??= this.#load();
    try {
      return await this.#keys;
    } catch (error) {
      // Who follows the advice need not restart the server.
      this.#keys = undefined;
      throw error;
    }
  }

  async #load(): Promise<SigningKeys> {
    const text = await this.#folder.readOrCreate(FILE, makeKeys);
    const keys = readKeys(text);
    if (keys !== undefined) return keys;
    throw folderError(
      `${this.#folder.path}/${FILE} is damaged. Delete it: new keys are made, and everybody signs in again.`,
    );
  }
}

async function makeKeys(): Promise<string> {
  const { privateKey } = await generateRsaKeys();
  const json = {
    access_token_secret: randomBytes(SECRET_BYTES).toString('base64url'),
    id_token_private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
  return `${JSON.stringify(json, undefined, 2)}\n`;
}

function readKeys(text: string): SigningKeys | undefined {
  const json = parseObject(Buffer.from(text));
  const secret = json?.['access_token_secret'];
  const pem = json?.['id_token_private_key'];
  if (typeof secret !== 'string' || typeof pem !== 'string') return undefined;
  const accessTokenSecret = decodeBase64Url(secret);
  const privateKey = readRsaKey(() => createPrivateKey(pem));
  if (accessTokenSecret?.length !== SECRET_BYTES || privateKey === undefined) return undefined;
  const publicKey = createPublicKey(privateKey);
  const keyId = hash('sha1', publicKey.export({ type: 'spki', format: 'der' }));
  return { accessTokenSecret, idTokenKey: { keyId, privateKey, publicKey } };
}

/** @returns `undefined` for what is no RSA key, or too short to be one that Google would give */
export function readRsaKey(read: () => KeyObject): KeyObject | undefined {
  try {
    const key = read();
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    return key.asymmetricKeyType === 'rsa' && bits >= RSA_BITS ? key : undefined;
  } catch {
    // The error of the cryptographic library may quote the key.
    return undefined;
  }
}
