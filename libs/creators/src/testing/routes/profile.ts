import { randomHex } from '@droppio/tips/testing';
import { CreatorWallets, type Hex } from '@droppio/tips';
import { aMessage, aWallet } from '../wallet.js';
import { mine, open, operators, type RouteRow, type Scene } from './row.js';

export const profileRoutes: Readonly<Record<string, RouteRow>> = {
  createCreator: operators(201, {
    body: () => ({ handle: `m-${randomHex(6).slice(2)}`, displayName: 'Someone', wallets: [randomHex(20)] }),
  }),
  getMe: mine('read', 200),
  changeMe: mine('account', 200, { body: () => ({ alertAfter: 1 }) }),
  getPublicCreator: open(200, { params: aListedHandle }),
  listWallets: mine('read', 200),
  createWalletNonce: mine('account', 201),
  // The signature names the owner, so nobody else can add the wallet by it.
  addWallet: mine('account', 201, { body: aNewWallet, other: 401 }),
  // It signs out every other browser of the owner's.
  removeWallet: mine('account', 204, { params: async (scene) => ({ address: await aSpareWallet(scene) }), other: 404, ends: true }),
};

async function aListedHandle({ api, owner }: Scene): Promise<{ handle: string }> {
  await api.call('PATCH', '/v1/me', { token: owner.accessToken, body: { listed: true } });
  return { handle: owner.handle };
}

async function aNewWallet({ api, owner }: Scene): Promise<{ message: string; signature: Hex }> {
  const wallet = aWallet();
  const { json } = await api.call('POST', '/v1/me/wallets/nonce', { token: owner.accessToken });
  const { nonce, statement } = json as { nonce: string; statement: string };
  const message = await aMessage(api, wallet, { nonce, statement });
  return { message, signature: await wallet.signMessage({ message }) };
}

async function aSpareWallet({ api, owner }: Scene): Promise<Hex> {
  const { address } = await api.app.get(CreatorWallets, { strict: false }).add(owner.id, randomHex(20));
  return address;
}
