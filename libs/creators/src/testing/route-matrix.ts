import { createHash } from 'node:crypto';
import { SCOPES, type Scope } from '@droppio/tips';
import { newAccessToken } from '../access/access-token.js';
import type { Route } from './document.js';
import { SIGN_IN_ORIGIN } from './test-api.js';
import type { RouteRow, Scene } from './routes/index.js';
import { signIn } from './wallet.js';

const TOKENS = { owner: SCOPES, read: ['read'], write: ['write'], moderator: ['read', 'moderate'], account: ['account'] } as const;

/**
 * Who asks. `other` is a creator who asks for the owner's things; `browser` a session of the owner's, `stale` one that signed in eleven
 * minutes ago, `foreign` the cookie of a session sent along by another site's page; the rest are tokens.
 */
export const ROLES = ['nobody', 'stranger', 'other', 'overlay', 'operator', 'foreign', 'browser', 'stale', ...keys(TOKENS)] as const;
export type MatrixRole = (typeof ROLES)[number];

export interface Expected {
  readonly status: number;
  readonly code?: string;
}

const UNKNOWN: Expected = { status: 401, code: 'unauthorized' };
const FORBIDDEN: Expected = { status: 403, code: 'forbidden' };

/** The one place that says how each row is answered to each role. */
export function expectedOf(row: RouteRow, { method, path }: Pick<Route, 'method' | 'path'>, role: MatrixRole): Expected {
  const ok = { status: row.ok };
  if (role === 'foreign' && row.foreign !== undefined) return { status: row.foreign };
  if (row.who === 'everybody') return ok;
  if (role === 'nobody' || role === 'stranger') return UNKNOWN;
  if (role === 'foreign' && method !== 'GET') return FORBIDDEN;
  if (row.who !== 'creators') return role === row.who ? ok : FORBIDDEN;
  return expectedOfCreators(row, path, role);
}

function expectedOfCreators(row: RouteRow, path: string, role: Exclude<MatrixRole, 'nobody' | 'stranger'>): Expected {
  const ok = { status: row.ok };
  switch (role) {
    case 'overlay':
    case 'operator':
      return FORBIDDEN;
    case 'other':
      return { status: row.other ?? (path.includes('{') ? 404 : row.ok) };
    case 'stale':
      return isFresh(row) ? { status: 403, code: 'fresh-sign-in-required' } : ok;
    case 'browser':
    case 'foreign':
      return ok;
    default:
      return (TOKENS[role] as readonly Scope[]).includes(row.scope ?? 'account') ? ok : { status: 403, code: 'scope-missing' };
  }
}

/** What the document must say of who may call a route. */
export function securityOf({ who, scope = 'account' }: RouteRow): readonly Record<string, readonly string[]>[] {
  if (who === 'everybody') return [{}];
  return who === 'creators' ? [{ creator: [scope] }, { session: [] }] : [{ [who]: [] }];
}

export function isFresh({ scope, fresh }: RouteRow): boolean {
  return fresh ?? scope === 'account';
}

export interface Shown {
  readonly token?: string;
  readonly headers?: Record<string, string>;
}

/** Credentials of a role, made anew. */
export async function credentialsOf(role: MatrixRole, scene: Scene): Promise<Shown> {
  const { api, owner, other } = scene;
  switch (role) {
    case 'nobody':
      return {};
    case 'stranger':
      return { token: newAccessToken() };
    case 'other':
      return { token: other.accessToken };
    case 'operator':
      return { token: api.adminToken };
    case 'overlay':
      return { token: await overlayToken(scene) };
    case 'owner':
      return { token: owner.accessToken };
    case 'browser':
    case 'stale':
    case 'foreign':
      return browserOf(role, scene);
    default:
      return { token: await tokenWith(TOKENS[role], scene) };
  }
}

async function browserOf(role: 'browser' | 'stale' | 'foreign', { api, wallet }: Scene): Promise<Shown> {
  const { cookie } = await signIn(api, wallet);
  if (role === 'stale') {
    const secret = createHash('sha256')
      .update(cookie.slice(cookie.indexOf('=') + 1))
      .digest();
    await api.sql(`UPDATE sessions SET created_at = now() - interval '11 minutes' WHERE secret_hash = $1`, [secret]);
  }
  return { headers: { cookie, origin: role === 'foreign' ? 'https://evil.test' : SIGN_IN_ORIGIN } };
}

async function overlayToken({ api, owner }: Scene): Promise<string> {
  const links = await api.call('GET', `/v1/overlays/${owner.overlayId}/url`, { token: owner.accessToken });
  return new URL((links.json as { pageUrl: string }).pageUrl).hash.slice(1);
}

async function tokenWith(scopes: readonly Scope[], { api, owner }: Scene): Promise<string> {
  const made = await api.call('POST', '/v1/tokens', { token: owner.accessToken, body: { name: scopes.join('+'), scopes } });
  return (made.json as { accessToken: string }).accessToken;
}

function keys<T extends object>(object: T): (keyof T)[] {
  return Object.keys(object) as (keyof T)[];
}
