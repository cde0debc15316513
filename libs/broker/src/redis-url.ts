export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

interface Login {
  readonly username?: string;
  readonly password?: string;
  readonly tls: boolean;
}

/** Where Redis is and how it runs, as read from one URL. */
export type RedisTarget = Login &
  (
    | { readonly kind: 'single'; readonly node: RedisNode; readonly db: number }
    | { readonly kind: 'sentinel'; readonly sentinels: readonly RedisNode[]; readonly name: string; readonly db: number }
    | { readonly kind: 'cluster'; readonly nodes: readonly RedisNode[] }
  );

const SHAPE = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/]*)@)?([^@/?#]+)(?:\/([^?#]*))?$/;

/**
 * `redis://[user:password@]host[:port][/db]`, `redis+sentinel://host:port,host:port/name[/db]`, `redis+cluster://host:port,host:port`;
 * `rediss` for TLS. Throws a TypeError with a sentence that repeats no part of the URL (it holds the password).
 */
export function parseRedisUrl(url: string): RedisTarget {
  const [, scheme, kind = 'single', credentials, hosts = '', path = ''] = SHAPE.exec(url) ?? [];
  if (scheme === undefined) throw new TypeError('expected redis://, rediss://, redis+sentinel:// or redis+cluster:// with a host');
  const login = { ...readLogin(credentials), tls: scheme === 'rediss' };
  if (kind === 'cluster') {
    if (path !== '') throw new TypeError('a Redis Cluster has no databases: leave out the path');
    return { kind, nodes: readNodes(hosts, 6379), ...login };
  }
  if (kind === 'sentinel') {
    const [name = '', db = ''] = path.split('/');
    if (name === '') throw new TypeError('redis+sentinel:// needs the name of the master as its path');
    return { kind, sentinels: readNodes(hosts, 26_379), name: decode(name), db: readDb(db), ...login };
  }
  const [node, ...others] = readNodes(hosts, 6379);
  if (node === undefined || others.length > 0) throw new TypeError('several hosts need redis+sentinel:// or redis+cluster://');
  return { kind: 'single', node, db: readDb(path), ...login };
}

function readLogin(credentials: string | undefined): { username?: string; password?: string } {
  if (credentials === undefined || credentials === '') return {};
  const colon = credentials.indexOf(':');
  const username = decode(colon === -1 ? credentials : credentials.slice(0, colon));
  const password = colon === -1 ? '' : decode(credentials.slice(colon + 1));
  return { ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError('user name, password or path has a % that is not an escape: write it as %25');
  }
}

function readNodes(hosts: string, defaultPort: number): RedisNode[] {
  return hosts.split(',').map((host) => readNode(host, defaultPort));
}

function readNode(text: string, defaultPort: number): RedisNode {
  const [, host = '', port = String(defaultPort)] = /^(\[[0-9a-fA-F:.]+\]|[^:\s]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const number = Number(port);
  if (host === '' || number < 1 || number > 65_535) throw new TypeError('a host is missing or its port is not between 1 and 65535');
  return { host: host.replace(/^\[|\]$/g, ''), port: number };
}

function readDb(text: string): number {
  if (!/^\d{0,4}$/.test(text)) throw new TypeError('the path of a Redis URL is the number of a database');
  return Number(text);
}
