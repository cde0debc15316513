import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { ROOT } from '../houses/app-process.js';
import type { ImageStore } from './store.js';

export const APPS = ['api', 'listener', 'gateway'] as const;
export type App = (typeof APPS)[number];
export type ImageName = App | 'web';

const Config = z.object({
  Docker: z.object({
    config: z.object({
      User: z.string(),
      Entrypoint: z.array(z.string()),
      Cmd: z.array(z.string()).nullish(),
      StopSignal: z.string(),
      WorkingDir: z.string().default('/'),
      Env: z.array(z.string()),
      Labels: z.record(z.string(), z.string()),
      Healthcheck: z.object({ Test: z.array(z.string()) }),
    }),
  }),
});
export type ImageConfig = z.output<typeof Config>['Docker']['config'];

/** A built image, mounted: what an orchestrator reads off it, and its files. */
export class Image {
  private constructor(
    readonly name: ImageName,
    readonly store: ImageStore,
    readonly root: string,
    readonly config: ImageConfig,
  ) {}

  static async open(store: ImageStore, name: ImageName): Promise<Image> {
    const { Docker } = Config.parse(JSON.parse(await store.buildah('inspect', '--type', 'image', tagOf(name))));
    return new Image(name, store, await store.mounted(tagOf(name)), Docker.config);
  }

  get uid(): number {
    return Number(this.config.User.split(':')[0]);
  }

  get folder(): string {
    return this.config.WorkingDir === '' ? '/' : this.config.WorkingDir;
  }

  get args(): readonly string[] {
    return [...this.config.Entrypoint, ...(this.config.Cmd ?? [])];
  }

  get stopSignal(): string {
    return this.config.StopSignal;
  }

  get env(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.config.Env.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
  }

  /** The check that the image brings, as a command. */
  get healthCheck(): readonly string[] {
    const [kind, ...command] = this.config.Healthcheck.Test;
    if (kind !== 'CMD') throw new Error(`${this.name}: the health check is no plain command: ${this.config.Healthcheck.Test.join(' ')}`);
    return command;
  }

  has(path: string): boolean {
    return existsSync(join(this.root, path));
  }

  list(path: string): string[] {
    return this.has(path) ? readdirSync(join(this.root, path)).sort() : [];
  }

  mebibytes(path: string): number {
    return Number(execFileSync('du', ['-sm', join(this.root, path)], { encoding: 'utf8' }).split('\t')[0]);
  }

  /** Files below a folder for which `find` says yes. */
  find(path: string, ...tests: readonly string[]): string[] {
    return execFileSync('find', [join(this.root, path), ...tests], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.slice(this.root.length));
  }
}

const tagOf = (name: ImageName): string => `localhost/droppio/${name}:smoke`;

/** Builds all images: first what they share, then two at a time. */
export async function buildImages(store: ImageStore, say: (sentence: string) => void): Promise<void> {
  const build = (name: string, ...more: readonly string[]): Promise<string> =>
    store.buildah(
      ...['build', '--format', 'docker', '--pull-never', '--layers', '--quiet', '--file', join(ROOT, 'docker/Dockerfile')],
      ...['--build-arg', 'REVISION=smoke', '--tag', `localhost/droppio/${name}:smoke`, ...more, ROOT],
    );
  const began = Date.now();
  await build('build', '--target', 'build');
  say(`everything installed and built in ${((Date.now() - began) / 1000).toFixed(0)} s`);
  const app = (name: App): Promise<string> => build(name, '--build-arg', `APP=${name}`, '--target', 'app');
  await Promise.all([app('gateway'), app('listener').then(() => app('api')), build('web', '--target', 'web')]);
}
