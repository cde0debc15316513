import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DroppioError } from '@droppio/tips';

/** The dev chain could not be started; the message is meant for the person at the terminal. */
export class DevChainFault extends DroppioError {
  readonly code = 'dev-chain';
  readonly retryable = false;
}

const PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': '@foundry-rs/anvil-linux-amd64',
  'linux-arm64': '@foundry-rs/anvil-linux-arm64',
  'darwin-x64': '@foundry-rs/anvil-darwin-amd64',
  'darwin-arm64': '@foundry-rs/anvil-darwin-arm64',
  'win32-x64': '@foundry-rs/anvil-win32-amd64',
};
const HERE = `${process.platform}-${process.arch}`;

/** The explicit path, else the npm package of this platform, else the bare name: spawning it searches PATH. Throws `DevChainFault`. */
export function findAnvil(anvilPath: string | undefined, pathSetting: string): string {
  if (anvilPath !== undefined) {
    if (isExecutable(anvilPath)) return anvilPath;
    throw new DevChainFault(`${pathSetting} names no program that can be run: ${anvilPath}.`);
  }
  const packaged = packagedAnvil(PACKAGES[HERE]);
  return packaged !== undefined && isExecutable(packaged) ? packaged : 'anvil';
}

/** What to say when spawning the bare name found nothing. */
export function anvilMissing(pathSetting: string): DevChainFault {
  const name = PACKAGES[HERE];
  const install = name === undefined ? 'Install Foundry' : `Run "npm install ${name}", install Foundry`;
  return new DevChainFault(
    `The local chain needs the program anvil, which is neither in node_modules nor on PATH. ${install}, or set ${pathSetting} to its path.`,
  );
}

function packagedAnvil(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    return join(dirname(manifest), 'bin', process.platform === 'win32' ? 'anvil.exe' : 'anvil');
  } catch {
    // An optional dependency that was not installed.
    return undefined;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
