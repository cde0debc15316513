import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startChild, type Child } from '../services/child.js';
import type { Image } from './image.js';

const run = promisify(execFile);
const NONE = { bounding: [], effective: [], permitted: [] };

export interface ContainerPlan {
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of what the image starts. */
  readonly args?: readonly string[];
  /** A loopback of its own, for what listens to a fixed port; else the machine's. */
  readonly ownNetwork?: boolean;
}

/** A container as k8s/base and compose.yaml have it: nothing but /tmp can be written to, no capabilities, no way to get any. Run by runc. */
export class Container {
  readonly child: Child;
  private readonly runc: readonly string[];

  constructor(
    private readonly image: Image,
    private readonly id: string,
    { env = {}, args = image.args, ownNetwork = false }: ContainerPlan = {},
  ) {
    const { store, root } = image;
    const bundle = join(store.folder, id);
    mkdirSync(bundle);
    writeFileSync(join(bundle, 'resolv.conf'), 'nameserver 127.0.0.1\n');
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(this.config(bundle, root, { env, args, ownNetwork })));
    this.runc = ['--root', join(store.folder, 'runc')];
    this.child = startChild(store.tools.runcPath, [...this.runc, 'run', '--bundle', bundle, id]);
  }

  /** What a command inside printed; rejects when it fails. */
  async inside(...command: readonly string[]): Promise<string> {
    const env = Object.entries(this.env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    return (await run(this.image.store.tools.runcPath, [...this.runc, 'exec', ...env, this.id, ...command], { timeout: 20_000 })).stdout;
  }

  /** SIGTERM, or what the image asks for, to process 1; answers its exit code. */
  async stop(ms: number): Promise<number> {
    await run(this.image.store.tools.runcPath, [...this.runc, 'kill', this.id, this.image.stopSignal]);
    return Promise.race([
      this.child.ended,
      new Promise<number>((_resolve, reject) => {
        setTimeout(() => {
          reject(new Error(`${this.id} did not stop within ${String(ms)} ms:\n${this.child.output().slice(-4000)}`));
        }, ms).unref();
      }),
    ]);
  }

  async remove(): Promise<void> {
    await run(this.image.store.tools.runcPath, [...this.runc, 'delete', '--force', this.id]).catch(() => undefined);
  }

  private env: Readonly<Record<string, string>> = {};

  private config(bundle: string, root: string, { env, args, ownNetwork }: Required<ContainerPlan>): object {
    this.env = { ...this.image.env, ...env };
    const temporary = (destination: string, ...options: readonly string[]): object => ({
      destination,
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', ...options],
    });
    const bound = (source: string, destination: string, ...options: readonly string[]): object => ({
      destination,
      type: 'bind',
      source,
      options: ['bind', ...options],
    });
    return {
      ociVersion: '1.0.2',
      process: {
        user: { uid: this.image.uid, gid: this.image.uid },
        args,
        cwd: this.image.folder,
        env: Object.entries(this.env).map(([name, value]) => `${name}=${value}`),
        capabilities: NONE,
        noNewPrivileges: true,
      },
      root: { path: root, readonly: true },
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        temporary('/dev', 'mode=755', 'size=64k'),
        temporary('/tmp', 'nodev', 'mode=1777', 'size=16m'),
        bound(join(bundle, 'resolv.conf'), '/etc/resolv.conf', 'ro'),
      ],
      linux: { namespaces: ['pid', 'mount', 'ipc', 'uts', ...(ownNetwork ? ['network'] : [])].map((type) => ({ type })) },
    };
  }
}
