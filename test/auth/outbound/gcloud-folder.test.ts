import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  gcloudFolder,
  gcloudProject,
  wellKnownCredentialsFile,
} from '../../../src/auth/outbound/gcloud-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'parlance-gcloud-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('gcloudFolder', () => {
  it.each([
    { env: { CLOUDSDK_CONFIG: '/conf', HOME: '/home/ada' }, folder: '/conf' },
    { env: { CLOUDSDK_CONFIG: '', HOME: '/home/ada' }, folder: '/home/ada/.config/gcloud' },
  ])('is $folder', ({ env, folder: expected }) => {
    expect(gcloudFolder(env)).toBe(join(expected));
    expect(wellKnownCredentialsFile(env)).toBe(join(expected, 'application_default_credentials.json'));
  });
});

describe('gcloudProject', () => {
  mkdirSync(join(folder, 'configurations'));
  const configurations = {
    default: '[core]\naccount = a@b.c\nproject = first\n',
    work: '[compute]\nproject = wrong\nzone = x\n\n[core]\nproject=second\n[ai]\nproject = wrong\n',
    empty: '[core]\naccount = a@b.c\n[other]\nproject = wrong\n',
  };
  for (const [name, text] of Object.entries(configurations)) {
    writeFileSync(join(folder, 'configurations', `config_${name}`), text);
  }

  it.each([
    { active: undefined, named: undefined, project: 'first' },
    { active: 'work\n', named: undefined, project: 'second' },
    { active: 'work\n', named: 'default', project: 'first' },
    { active: 'empty', named: undefined, project: undefined },
    { active: 'deleted', named: undefined, project: undefined },
  ])('is $project for the configuration $active, $named', async ({ active, named, project }) => {
    const file = join(folder, 'active_config');
    if (active === undefined) rmSync(file, { force: true });
    else writeFileSync(file, active);
    const env = {
      CLOUDSDK_CONFIG: folder,
      ...(named !== undefined && { CLOUDSDK_ACTIVE_CONFIG_NAME: named }),
    };
    expect(await gcloudProject(env)).toBe(project);
  });
});
