import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SIZE_MIB = 192;

/** A file system of a few megabytes that can be filled to the last byte. Mounting takes root; without it the scenario says so and fails. */
export class SmallDisk {
  private constructor(readonly path: string) {}

  static async mount(): Promise<SmallDisk> {
    const path = await mkdtemp(join(tmpdir(), 'droppio-proof-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${String(SIZE_MIB)}m`, 'droppio-proof', path]);
    return new SmallDisk(path);
  }

  /** MiB that are left. */
  async left(): Promise<number> {
    const { bavail, bsize } = await statfs(this.path);
    return (bavail * bsize) / 2 ** 20;
  }

  /** Takes all that is left. */
  async fill(): Promise<void> {
    const file = await open(join(this.path, 'ballast'), 'a');
    const block = Buffer.alloc(2 ** 16);
    try {
      for (;;) await file.write(block);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    } finally {
      await file.close();
    }
  }

  async clear(): Promise<void> {
    await rm(join(this.path, 'ballast'), { force: true });
  }

  async remove(): Promise<void> {
    execFileSync('umount', [this.path]);
    await rm(this.path, { recursive: true, force: true });
  }
}
