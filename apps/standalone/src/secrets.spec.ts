import { mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTokenKeys } from '@droppio/protocol/overlay-token';
import { describe, expect, it } from 'vitest';
import { keepSecrets } from './secrets.js';

const folder = (): string => join(mkdtempSync(join(tmpdir(), 'droppio-secrets-')), 'data');

describe('keepSecrets', () => {
  it('makes secrets at the first start and finds the same ones at the next', async () => {
    const at = folder();
    const first = await keepSecrets(at);
    expect(parseTokenKeys(first.overlayTokenKeys)[0]?.secret).toHaveLength(32);
    expect(await keepSecrets(at)).toEqual(first);
  });

  it('makes other ones for another installation', async () => {
    expect(await keepSecrets(folder())).not.toEqual(await keepSecrets(folder()));
  });

  it('keeps them from other users', async () => {
    const at = folder();
    await keepSecrets(at);
    expect(statSync(join(at, 'secrets.json')).mode & 0o077).toBe(0);
  });

  it('never replaces a file that it cannot read: old overlay URLs hang on it', async () => {
    const at = folder();
    await keepSecrets(at);
    writeFileSync(join(at, 'secrets.json'), '{"overlayTokenKeys":');
    await expect(keepSecrets(at)).rejects.toThrow(/secrets\.json does not hold what it should\. Restore it, or delete it/);
  });
});
