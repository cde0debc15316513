import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ImageStore } from './store.js';

const NODE_VERSION = '24.21.0';
const NPM_VERSION = '11.19.1';
const PULL = ['pull', '--quiet'];
const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** What the Dockerfile's own commands use; ldd, by which native packages tell which C library this is. */
const SHELL =
  'sh bash cat chmod cp cut dirname env find grep head id ldd ln ls mkdir mv readlink rm sed sort tar tr uname which gzip'.split(' ');
/** What prebuilt packages are linked with beside what Node itself needs. */
const C_LIBRARIES = /\/lib(c|m|dl|rt|pthread|util|resolv|gcc_s|stdc\+\+)\.so\.\d+$/;

/** The base images that the Dockerfile names: from a registry, or put together of what this machine has. Says what they are. */
export async function provideBases(store: ImageStore, dockerfile: string): Promise<readonly string[]> {
  const [node, nginx] = ['NODE_IMAGE', 'NGINX_IMAGE'].map((name) => new RegExp(`^ARG ${name}=(\\S+)$`, 'm').exec(dockerfile)?.[1]);
  if (node === undefined || nginx === undefined) throw new Error('The Dockerfile names no base images.');
  return [await provide(store, node, nodeStandIn), await provide(store, nginx, nginxStandIn)];
}

type StandIn = (store: ImageStore, root: string) => { readonly what: string; readonly config: readonly string[] };

async function provide(store: ImageStore, image: string, standIn: StandIn): Promise<string> {
  try {
    await store.buildah(...PULL, `docker.io/${image.includes('/') ? '' : 'library/'}${image}`);
    return `${image} from its registry`;
  } catch {
    const root = mkdtempSync(join(store.folder, 'base-'));
    layOut(root);
    const { what, config } = standIn(store, root);
    const container = await store.buildah('from', 'scratch');
    await store.buildah('add', '--quiet', container, root, '/');
    await store.buildah('config', '--env', PATH, ...config, container);
    await store.buildah('commit', '--quiet', '--rm', container, `docker.io/${image.includes('/') ? '' : 'library/'}${image}`);
    rmSync(root, { recursive: true });
    return `no registry gives ${image}; a stand-in of ${what}`;
  }
}

function nodeStandIn(store: ImageStore, root: string): ReturnType<StandIn> {
  const folder = mkdtempSync(join(store.folder, 'npm-'));
  const platform = `node-${process.platform}-${process.arch}`;
  const names = execFileSync('npm', ['pack', '--silent', `${platform}@${NODE_VERSION}`, `npm@${NPM_VERSION}`], {
    cwd: folder,
    encoding: 'utf8',
  });
  const archives = names.trim().split('\n');
  for (const archive of archives) {
    const to = archive.startsWith('npm-') ? join(root, 'usr/local/lib/node_modules/npm') : join(folder, 'node');
    mkdirSync(to, { recursive: true });
    execFileSync('tar', ['-xzf', join(folder, archive), '--strip-components=1', '-C', to]);
  }
  const node = join(root, 'usr/local/bin/node');
  copyFileSync(join(folder, 'node/bin/node'), node);
  chmodSync(node, 0o755);
  for (const library of librariesOf(node)) {
    bring(library, root);
    for (const name of readdirSync(dirname(library))) if (C_LIBRARIES.test(`/${name}`)) bring(join(dirname(library), name), root);
  }
  for (const name of ['npm', 'npx']) symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'usr/local/bin', name));
  rmSync(folder, { recursive: true });
  // Certificates that this machine trusts beside the usual ones, where its way to the registry needs them.
  return {
    what: `npm's Node ${NODE_VERSION} and this machine's shell and libraries`,
    config: ['--env', 'NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt'],
  };
}

/** Does what the official image's entry point does, for a server that cannot follow DNS yet. */
const ENTRY_POINT = `#!/bin/sh
set -e
NGINX_LOCAL_RESOLVERS=$(sed -n 's/^nameserver //p' /etc/resolv.conf | tr '\\n' ' ')
for script in /docker-entrypoint.d/*.envsh; do if [ -x "$script" ]; then . "$script"; fi; done
for template in upstreams.conf trusted-proxies.conf; do
  sed -e "s/\\\${NGINX_LOCAL_RESOLVERS}/$NGINX_LOCAL_RESOLVERS/" -e "s/\\\${GATEWAY_HOST}/$GATEWAY_HOST/" -e "s/\\\${API_HOST}/$API_HOST/" \\
    -e "s|\\\${WEB_SET_REAL_IP_FROM}|$WEB_SET_REAL_IP_FROM|" -e 's/ resolve / /' \\
    "/etc/nginx/templates/$template.template" > "$NGINX_ENVSUBST_OUTPUT_DIR/$template"
done
exec "$@"
`;

function nginxStandIn({ tools }: ImageStore, root: string): ReturnType<StandIn> {
  for (const program of [tools.nginxPath, tools.wgetPath]) bringProgram(program, root);
  for (const folder of ['etc/nginx', 'var/log/nginx', 'var/lib/nginx', 'usr/share/nginx/html'])
    mkdirSync(join(root, folder), { recursive: true });
  copyFileSync('/etc/nginx/mime.types', join(root, 'etc/nginx/mime.types'));
  writeFileSync(join(root, 'docker-entrypoint.sh'), ENTRY_POINT, { mode: 0o755 });
  const version = /nginx\/(\S+)/.exec(execFileSync('sh', ['-c', `${tools.nginxPath} -v 2>&1`], { encoding: 'utf8' }))?.[1] ?? '?';
  return {
    what: `Debian's nginx ${version} (upstreams without \`resolve\`)`,
    config: ['--entrypoint', '["/docker-entrypoint.sh"]', '--cmd', 'nginx -g "daemon off;"'],
  };
}

/** A root with a shell, as Debian lays it out, from this machine's own files. */
function layOut(root: string): void {
  for (const folder of [
    'usr/bin',
    'usr/sbin',
    'usr/lib',
    'usr/lib64',
    'usr/local/bin',
    'usr/local/lib/node_modules',
    'etc/ssl/certs',
    'tmp',
    'root',
    'proc',
    'sys',
    'dev',
    'var/tmp',
    'run',
  ]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  chmodSync(join(root, 'tmp'), 0o1777);
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name));
  for (const name of SHELL) bringProgram(execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(), root);
  symlinkSync('/proc/self/fd/1', join(root, 'dev/stdout'));
  symlinkSync('/proc/self/fd/2', join(root, 'dev/stderr'));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
  cpSync('/etc/ssl/certs/ca-certificates.crt', join(root, 'etc/ssl/certs/ca-certificates.crt'), { dereference: true });
}

function bringProgram(path: string, root: string): void {
  const file = realpathSync(path);
  const to = join(root, 'usr', basename(dirname(path)) === 'sbin' ? 'sbin' : 'bin', basename(path));
  copyFileSync(file, to);
  chmodSync(to, 0o755);
  // A script's interpreter is the shell, which is there.
  if (readFileSync(file).subarray(0, 4).toString('latin1') === '\x7fELF') for (const library of librariesOf(file)) bring(library, root);
}

function bring(path: string, root: string): void {
  const to = join(root, path);
  if (existsSync(to)) return;
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(realpathSync(path), to);
  chmodSync(to, 0o755);
}

function librariesOf(program: string): string[] {
  const text = execFileSync('sh', ['-c', 'ldd "$1" || true', 'sh', program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return [...text.matchAll(/(\/\S+\.so\S*)/g)].map(([, path = '']) => path);
}
