import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ImageTools } from '../services/programs.js';

const run = promisify(execFile);
const BUILD_MS = 600_000;
const OUTPUT_BYTES = 64 * 1024 * 1024;

/** buildah with a store of its own: what this machine's user has built stays as it is. */
export class ImageStore {
  private readonly env: NodeJS.ProcessEnv;
  private readonly roots: readonly string[];

  private constructor(
    readonly tools: ImageTools,
    readonly folder: string,
    readonly driver: 'overlay' | 'vfs',
  ) {
    const temporary = join(folder, 'tmp');
    // Where buildah keeps what `RUN --mount=type=cache` names. npm finds there what it has downloaded for the machine itself.
    const caches = join(temporary, 'buildah-cache', 'root');
    mkdirSync(caches, { recursive: true });
    const npmCache = execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    mkdirSync(npmCache, { recursive: true });
    symlinkSync(npmCache, join(caches, '.npm'));
    this.env = { ...process.env, TMPDIR: temporary, BUILDAH_ISOLATION: 'chroot', STORAGE_DRIVER: driver };
    this.roots = ['--root', join(folder, 'store'), '--runroot', join(folder, 'run')];
  }

  /** Layers on top of each other where the kernel can do that here, else copies of whole file systems. */
  static async open(tools: ImageTools, folder: string): Promise<ImageStore> {
    const overlay = new ImageStore(tools, join(folder, 'overlay'), 'overlay');
    try {
      const container = await overlay.buildah('from', 'scratch');
      await overlay.buildah('mount', container);
      await overlay.buildah('umount', container);
      await overlay.buildah('rm', container);
      return overlay;
    } catch {
      return new ImageStore(tools, join(folder, 'vfs'), 'vfs');
    }
  }

  /** What it printed, without the line's end. */
  async buildah(...args: readonly string[]): Promise<string> {
    const options = { env: this.env, timeout: BUILD_MS, maxBuffer: OUTPUT_BYTES };
    try {
      return (await run(this.tools.buildahPath, [...this.roots, ...args], options)).stdout.trim();
    } catch (error) {
      const said = error instanceof Error && 'stderr' in error ? String(error.stderr).slice(-4000) : '';
      throw new Error(`buildah ${args[0] ?? ''} failed:\n${said}`, { cause: error });
    }
  }

  /** The image's files, mounted. Whoever only looks and runs leaves them as they are. */
  async mounted(image: string): Promise<string> {
    return this.buildah('mount', await this.buildah('from', '--pull-never', image));
  }

  async close(): Promise<void> {
    await this.buildah('umount', '--all').catch(() => undefined);
    // buildah leaves its own mount of the store, which nothing could be deleted under.
    for (const mount of mountsBelow(this.folder)) await run('umount', [mount]).catch(() => undefined);
  }
}

function mountsBelow(folder: string): string[] {
  const targets = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  return targets.filter((target) => target.startsWith(`${folder}/`)).reverse();
}
