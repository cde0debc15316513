import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { InvalidSettings, loadEnv, port } from './env.js';

const schema = z.object({ PORT: port(8080), DATABASE_URL: z.url(), NAME: z.string().default('droppio') });

function faultsOf(source: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadEnv(schema, source);
  } catch (error) {
    if (error instanceof InvalidSettings) return error.faults;
    throw error;
  }
  return [];
}

describe(loadEnv.name, () => {
  it('fills in presets and converts', () => {
    expect(loadEnv(schema, { PORT: '9000', DATABASE_URL: 'postgres://db/x' })).toEqual({
      PORT: 9000,
      DATABASE_URL: 'postgres://db/x',
      NAME: 'droppio',
    });
  });

  it('lists all faults at once, each a sentence that names its setting', () => {
    expect(faultsOf({ PORT: '99999999' })).toEqual([expect.stringMatching(/^PORT does not fit: .+\.$/), 'DATABASE_URL is missing.']);
  });

  it('takes an empty variable as unset', () => {
    expect(faultsOf({ PORT: '', DATABASE_URL: '' })).toEqual(['DATABASE_URL is missing.']);
  });

  it('reads a secret from the file that NAME_FILE names', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'droppio-env-')), 'secret');
    writeFileSync(file, 'postgres://from/file\n');
    expect(loadEnv(schema, { DATABASE_URL_FILE: file }).DATABASE_URL).toBe('postgres://from/file');
  });

  it('says so when that file cannot be read', () => {
    expect(faultsOf({ DATABASE_URL_FILE: '/does/not/exist' })).toContain('DATABASE_URL_FILE names a file that cannot be read.');
  });

  it('never repeats a value, which may be a secret', () => {
    expect(faultsOf({ DATABASE_URL: 'hunter2' }).join()).not.toContain('hunter2');
  });
});
