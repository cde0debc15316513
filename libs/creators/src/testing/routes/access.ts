import { aSignIn, aWallet, signIn } from '../wallet.js';
import { mine, open, type RouteRow, type Scene } from './row.js';

export const accessRoutes: Readonly<Record<string, RouteRow>> = {
  createSignInNonce: open(201),
  signIn: open(200, { body: ({ api }) => aSignIn(api, aWallet()), foreign: 403 }),
  signOut: mine('read', 204, { ends: true }),
  listSessions: mine('account', 200, { fresh: false }),
  endSession: mine('account', 204, { params: aSession, ends: true }),
  listTokens: mine('account', 200, { fresh: false }),
  createToken: mine('account', 201, { body: () => ({ name: 'a script', scopes: ['account'] }) }),
  deleteToken: mine('account', 204, { params: aToken }),
};

async function aSession({ api, owner, wallet }: Scene): Promise<{ id: string }> {
  await signIn(api, wallet);
  return newest(api, '/v1/auth/sessions', owner.accessToken);
}

async function aToken({ api, owner }: Scene): Promise<{ id: string }> {
  await api.call('POST', '/v1/tokens', { token: owner.accessToken, body: { name: 'to be deleted', scopes: ['read'] } });
  return newest(api, '/v1/tokens', owner.accessToken);
}

async function newest(api: Scene['api'], path: string, token: string): Promise<{ id: string }> {
  const { data } = (await api.call('GET', path, { token })).json as { data: { id: string }[] };
  if (data[0] === undefined) throw new Error(`there is nothing at ${path}`);
  return { id: data[0].id };
}
