/** Where Cloud Storage's JSON API is asked. */
export interface StorageRoot {
  readonly origin: string;
  /** Stands before `/b/BUCKET/o/OBJECT`; without a slash at its end. */
  readonly basePath: string;
  /** As it stands in messages. */
  readonly host: string;
  /** A stand-in without sign-in: it gets no credentials, and no proxy is asked for it. */
  readonly isEmulator: boolean;
}

const API_PATH = '/storage/v1';
const CLOUD_STORAGE = 'https://storage.googleapis.com';
const HAS_SCHEME = /^[a-z][a-z\d+.-]*:\/\//i;

/**
 * Cloud Storage itself, or what stands in for it. Google's libraries disagree on the form of `STORAGE_EMULATOR_HOST`:
 * with a scheme (Python), without one (Go) and with the API's path (Node.js) are all understood.
 *
 * @param url Cloud Storage under another name, such as a private endpoint; the variable does not change it
 * @throws {TypeError} for an address that is none
 */
export function storageRoot(env: NodeJS.ProcessEnv, url?: string): StorageRoot {
  const emulator = env['STORAGE_EMULATOR_HOST'] ?? '';
  if (url !== undefined || emulator === '') {
    return { ...readAddress(url ?? CLOUD_STORAGE, "Cloud Storage's address"), isEmulator: false };
  }
  const address = HAS_SCHEME.test(emulator) ? emulator : `http://${emulator}`;
  return { ...readAddress(address, 'STORAGE_EMULATOR_HOST'), isEmulator: true };
}

function readAddress(text: string, name: string): Omit<StorageRoot, 'isEmulator'> {
  // What is wrong with it is not shown: there may be a password in it.
  if (!URL.canParse(text)) throw new TypeError(`${name} is no valid address.`);
  const { protocol, origin, host, username, password, pathname, search, hash } = new URL(text);
  if (protocol !== 'http:' && protocol !== 'https:')
    throw new TypeError(`${name} must begin with http:// or https://.`);
  if (`${username}${password}${search}${hash}` !== '')
    throw new TypeError(`${name} must have no user name, password, "?" or "#".`);
  const path = pathname.replace(/\/+$/, '');
  return { origin, host, basePath: path.endsWith(API_PATH) ? path : `${path}${API_PATH}` };
}
