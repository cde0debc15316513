import { chmod, mkdir, mkdtemp, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPrograms, reachablePrograms } from './embedded-binaries.js';

const NOBODY = { uid: 65_534, gid: 65_534 };

describe(reachablePrograms.name, () => {
  let place: string;
  let folder: string;

  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), 'droppio-programs-'));
    await chmod(place, 0o755);
    folder = join(place, 'data');
    await Promise.all([folder, join(place, 'native/bin'), join(place, 'native/lib')].map((path) => mkdir(path, { recursive: true })));
    await Promise.all(['initdb', 'postgres'].map((name) => writeFile(join(place, 'native/bin', name), name, { mode: 0o700 })));
    await writeFile(join(place, 'native/lib/libicu.so.60.2'), 'icu', { mode: 0o600 });
    await symlink('libicu.so.60.2', join(place, 'native/lib/libicu.so.60'));
  });
  afterEach(async () => {
    await rm(place, { recursive: true, force: true });
  });

  const installed = () => ({ initdb: join(place, 'native/bin/initdb'), postgres: join(place, 'native/bin/postgres') });

  it('leaves programs where they are that the server can reach, or that run as ourselves', async () => {
    expect(await reachablePrograms(installed(), undefined, folder)).toEqual(installed());
    await Promise.all(Object.values(installed()).map((path) => chmod(path, 0o755)));
    expect(await reachablePrograms(installed(), NOBODY, folder)).toEqual(installed());
  });

  it('copies them next to the data when they lie under a closed folder, readable for all, links kept, once', async () => {
    await chmod(join(place, 'native'), 0o700);
    const copied = await reachablePrograms(installed(), NOBODY, folder);
    expect(copied.postgres.startsWith(folder)).toBe(true);
    expect((await stat(copied.initdb)).mode & 0o777).toBe(0o755);
    const lib = join(copied.postgres, '../../lib');
    expect((await stat(join(lib, 'libicu.so.60.2'))).mode & 0o777).toBe(0o644);
    expect(await readlink(join(lib, 'libicu.so.60'))).toBe('libicu.so.60.2');
    await writeFile(join(lib, 'mark'), '');
    expect(await reachablePrograms(installed(), NOBODY, folder)).toEqual(copied);
    expect((await stat(join(lib, 'mark'))).isFile()).toBe(true);
  });
});

describe(findPrograms.name, () => {
  it('finds the binaries that npm installed', async () => {
    expect((await stat((await findPrograms()).initdb)).isFile()).toBe(true);
  });
});
