import { formatJsonPath, type PathKey } from '../../wire/validation/format-json-path.ts';

/** One change of a request on its way to a model server, for people who want to know what was sent. */
export interface RequestChange {
  /** JSON path of the field, as the client wrote it or as the server gets it. */
  readonly path: string;
  /** `lifted`: moved out of `extra_body` to the top level. */
  readonly what: 'set' | 'lifted' | 'removed' | 'rewritten';
  readonly note: string;
}

/** Neither list grows beyond this, whatever a request holds. */
const MAX_ENTRIES = 100;

/** What was changed in one request. Most requests have one change, so that nothing but the entries is made. */
export class ChangeLog {
  readonly ignored: string[] = [];
  readonly changes: RequestChange[] = [];

  record(path: readonly PathKey[], what: RequestChange['what'], note: string): void {
    if (this.changes.length < MAX_ENTRIES)
      this.changes.push({ path: formatJsonPath(path) ?? '', what, note });
  }

  /** A field that the server would not understand, and that meant something to the client. */
  ignore(path: readonly PathKey[], note: string): void {
    if (this.ignored.length < MAX_ENTRIES) this.ignored.push(formatJsonPath(path) ?? '');
    this.record(path, 'removed', note);
  }
}
