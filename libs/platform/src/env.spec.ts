import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { InvalidSettings, loadEnv, platformEnv, port } from './env.js';

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

  it('knows the version of what it is a part of', () => {
    const manifest = z
      .object({ version: z.string() })
      .parse(JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')));
    expect(platformEnv.BUILD_VERSION.parse(undefined)).toBe(manifest.version);
  });

  it('takes an address for traces with its path, and a share between nothing and all', () => {
    expect(platformEnv.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT.safeParse('http://collector:4318/v1/traces').success).toBe(true);
    expect(platformEnv.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT.safeParse('grpc://collector:4317').success).toBe(false);
    expect(platformEnv.OTEL_TRACES_SAMPLER_ARG.safeParse('1.5').success).toBe(false);
    expect(platformEnv.OTEL_TRACES_SAMPLER_ARG.parse('0.25')).toBe(0.25);
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
