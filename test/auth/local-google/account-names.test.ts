import { describe, expect, it } from 'vitest';
import {
  accountNumber,
  isEmail,
  isProjectId,
  localAccountOf,
  projectNumber,
} from '../../../src/auth/local-google/account-names.ts';

describe('isProjectId', () => {
  it.each([
    'my-project',
    'parlance-local',
    'abcdef',
    'a23456',
    'example.com:my-project',
    `a${'b'.repeat(29)}`,
  ])('%s is one', (text) => {
    expect(isProjectId(text)).toBe(true);
  });

  it.each([
    '',
    'short',
    'Upper-case',
    '1-starts-so',
    'ends-with-',
    'under_score',
    'a/b-c-d',
    `a${'b'.repeat(30)}`,
  ])('%j is none', (text) => {
    expect(isProjectId(text)).toBe(false);
  });
});

describe('isEmail', () => {
  it.each(['a@b.c', 'local@my-project.iam.gserviceaccount.com', 'First.Last+tag@example.com'])(
    '%s is one',
    (text) => {
      expect(isEmail(text)).toBe(true);
    },
  );

  it.each([
    '',
    'a',
    'a@b',
    '@b.c',
    'a@b..c',
    'a b@c.d',
    'a@b.c\n',
    'a"@b.c',
    'é@b.c',
    'a/b@c.d',
    'a@b@c.d',
    `a@${'b'.repeat(250)}.de`,
  ])('%j is none', (text) => {
    expect(isEmail(text)).toBe(false);
  });
});

describe('names made of others', () => {
  it.each([
    ['my-project', 'local@my-project.iam.gserviceaccount.com'],
    ['example.com:my-project', 'local@my-project.example.com.iam.gserviceaccount.com'],
  ])('the account of %s is %s', (project, email) => {
    expect(localAccountOf(project)).toBe(email);
    expect(isEmail(email)).toBe(true);
  });

  it('numbers have the length of those of Google, and stay the same', () => {
    expect(accountNumber('a@b.c')).toMatch(/^1\d{20}$/);
    expect(accountNumber('a@b.c')).toBe(accountNumber('a@b.c'));
    expect(accountNumber('a@b.c')).not.toBe(accountNumber('a@b.d'));
    expect(projectNumber('my-project')).toMatch(/^1\d{11}$/);
  });
});
