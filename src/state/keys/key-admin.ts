import type { StoredKey } from './stored-key.ts';
import type { CreatedKey, NewKey } from './key-store.ts';

/** What can be done with keys: the database's side and the control socket's are the same to who asks. */
export interface KeyAdmin {
  create(key: NewKey): Promise<CreatedKey>;
  /** All keys, revoked and expired ones too, oldest first. */
  list(): Promise<readonly StoredKey[]>;
  /** @returns the key; `undefined` when there is none with this id */
  revoke(id: string): Promise<StoredKey | undefined>;
}
