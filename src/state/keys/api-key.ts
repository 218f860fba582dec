/**
 * Keys of this server: `sk-parlance-`, 8 characters that name the key to people, 32 that are the secret; base62.
 */
import { hash } from 'node:crypto';
import { randomBase62 } from '../../ids.ts';

const START = 'sk-parlance-';
const NAMING_CHARACTERS = 8;

/** 190 bits. */
const SECRET_CHARACTERS = 32;

const API_KEY = new RegExp(`^${START}[0-9A-Za-z]{${NAMING_CHARACTERS + SECRET_CHARACTERS}}$`);

export function newApiKey(): string {
  return `${START}${randomBase62(NAMING_CHARACTERS + SECRET_CHARACTERS)}`;
}

/** Whether a credential has the form of a key of this server. Says nothing about whether there is such a key. */
export function isApiKey(credential: string): boolean {
  return API_KEY.test(credential);
}

/** The part of a key that may be shown. */
export function prefixOfKey(key: string): string {
  return key.slice(0, START.length + NAMING_CHARACTERS);
}

/**
 * What is stored of a key: SHA-256 of all of it, base64url.
 *
 * A password's hash has to be slow, because passwords can be guessed. A random secret of 190 bits cannot, however fast
 * its hash is.
 */
export function hashOfKey(key: string): string {
  return hash('sha256', key, 'base64url');
}
