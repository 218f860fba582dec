import { isJsonObject, type JsonObject } from '../../wire/validation/structure-checks.ts';
import { CredentialFault } from './credential-fault.ts';

/** The members of a credentials file, checked as they are read. Faults name the member, never its value. */
export class CredentialMembers {
  readonly #json: JsonObject;
  readonly #path: string;

  /** @param path where in the file this object stands, such as `source_credentials.` */
  constructor(json: JsonObject, path = '') {
    this.#json = json;
    this.#path = path;
  }

  /** @throws {CredentialFault} when it is no string or empty */
  text(name: string): string {
    const value = this.optionalText(name);
    if (value === undefined) throw this.fault(name, 'is missing');
    return value;
  }

  /** An empty string counts as absent. @throws {CredentialFault} when it is there and no string */
  optionalText(name: string): string | undefined {
    const value = this.#json[name] ?? '';
    if (typeof value !== 'string') throw this.fault(name, 'is not a string');
    return value === '' ? undefined : value;
  }

  /** @throws {CredentialFault} when it is no `http` or `https` URL, or is absent and has no default */
  url(name: string, defaultUrl?: string): URL {
    const text = this.optionalText(name) ?? defaultUrl ?? this.text(name);
    const url = URL.parse(text);
    if (url?.protocol === 'https:' || url?.protocol === 'http:') return url;
    throw this.fault(name, 'is not an http or https URL');
  }

  optionalUrl(name: string): URL | undefined {
    return this.optionalText(name) === undefined ? undefined : this.url(name);
  }

  /** @throws {CredentialFault} when it is there and no whole number in the range */
  optionalNumber(name: string, min: number, max: number): number | undefined {
    const value = this.#json[name] ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw this.fault(name, `is not a whole number from ${min} to ${max}`);
  }

  /** @throws {CredentialFault} when it is no object */
  object(name: string): CredentialMembers {
    const value = this.optionalObject(name);
    if (value === undefined) throw this.fault(name, 'is missing');
    return value;
  }

  optionalObject(name: string): CredentialMembers | undefined {
    const value = this.#json[name] ?? undefined;
    if (value === undefined) return undefined;
    if (!isJsonObject(value)) throw this.fault(name, 'is not an object');
    return new CredentialMembers(value, `${this.#path}${name}.`);
  }

  /** An object of strings; empty when absent. */
  texts(name: string): Readonly<Record<string, string>> {
    const value = this.#json[name] ?? {};
    const isTexts = isJsonObject(value) && Object.values(value).every((text) => typeof text === 'string');
    if (!isTexts) throw this.fault(name, 'is not an object of strings');
    return value as Readonly<Record<string, string>>;
  }

  /** An array of strings; empty when absent. */
  list(name: string): readonly string[] {
    const value = this.#json[name] ?? [];
    const isList = Array.isArray(value) && value.every((text) => typeof text === 'string');
    if (!isList) throw this.fault(name, 'is not an array of strings');
    return value;
  }

  has(name: string): boolean {
    return this.#json[name] != null;
  }

  fault(name: string, problem: string): CredentialFault {
    return new CredentialFault(`"${this.#path}${name}" ${problem}. Create the file anew, or correct it.`);
  }
}
