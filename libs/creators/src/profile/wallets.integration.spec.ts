import { randomHex } from '@droppio/tips/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import {
  aMessage,
  aSignUp,
  aWallet,
  SIGN_IN_ORIGIN,
  signIn,
  startTestApi,
  type Answer,
  type TestApi,
  type TestCreator,
  type Wallet,
} from '../testing/index.js';

let api: TestApi;
let ada: TestCreator;

beforeAll(async () => {
  api = await startTestApi(inject('postgresUrl'));
});
beforeEach(async () => {
  ada = await api.aCreator();
});
afterAll(() => api.close());

interface Offer {
  readonly nonce: string;
  readonly statement: string;
}

const offerFor = async (creator: TestCreator): Promise<Offer> =>
  (await api.call('POST', '/v1/me/wallets/nonce', { token: creator.accessToken })).json as Offer;

async function proofOf(
  wallet: Wallet,
  fields: Partial<Offer> & { address?: `0x${string}` },
): Promise<{ message: string; signature: string }> {
  const message = await aMessage(api, wallet, fields);
  return { message, signature: await wallet.signMessage({ message }) };
}

const send = (creator: TestCreator, body: unknown): Promise<Answer> =>
  api.call('POST', '/v1/me/wallets', { token: creator.accessToken, body });
const add = async (creator: TestCreator, wallet: Wallet): Promise<Answer> => send(creator, await proofOf(wallet, await offerFor(creator)));
const remove = (creator: TestCreator, address: string): Promise<Answer> =>
  api.call('DELETE', `/v1/me/wallets/${address}`, { token: creator.accessToken });
const walletsOf = async (creator: TestCreator): Promise<string[]> => {
  const { json } = await api.call('GET', '/v1/me/wallets', { token: creator.accessToken });
  return (json as { data: { address: string }[] }).data.map(({ address }) => address);
};

describe('wallets', () => {
  it('are added by their own signature, sign in from then on, and are removed again', async () => {
    const wallet = aWallet();
    const address = wallet.address.toLowerCase();
    const [first = ''] = await walletsOf(ada);
    expect((await offerFor(ada)).statement).toBe(`Add this wallet to Droppio creator ${ada.handle} (${ada.id}).`);
    const added = await add(ada, wallet);
    expect({ status: added.status, json: added.json }).toMatchObject({ status: 201, json: { address } });
    expect(await walletsOf(ada)).toEqual([first, address]);
    expect((await signIn(api, wallet)).answer.json).toMatchObject({ handle: ada.handle, wallets: [first, address] });
    expect((await remove(ada, wallet.address)).status).toBe(204);
    expect(await walletsOf(ada)).toEqual([first]);
    expect((await signIn(api, wallet)).answer.json).not.toMatchObject({ handle: ada.handle });
  });

  it('keep what adds and what signs in apart, both ways', async () => {
    const wallet = aWallet();
    const offer = await offerFor(ada);
    const verify = (body: object): Promise<Answer> => api.call('POST', '/v1/auth/siwe/verify', { body: { ...body, signUp: aSignUp() } });
    // A signature that adds, and halves of one: its nonce in the words of signing in, its words over a nonce of signing in.
    for (const fields of [offer, { nonce: offer.nonce }, { statement: offer.statement }]) {
      expect((await verify(await proofOf(wallet, fields))).json).toMatchObject({ status: 401 });
    }
    for (const fields of [{}, { nonce: offer.nonce }, { statement: offer.statement }, { ...offer, statement: `${offer.statement} ` }]) {
      expect((await send(ada, await proofOf(wallet, fields))).json).toMatchObject({ status: 401 });
    }
    expect(await walletsOf(ada)).toHaveLength(1);
    // None of these attempts has spent the nonce.
    expect((await send(ada, await proofOf(wallet, offer))).status).toBe(201);
  });

  it('are added once per signature, by the wallet itself, to the creator whom it names', async () => {
    const [wallet, other] = [aWallet(), aWallet()];
    const eve = await api.aCreator();
    const proof = await proofOf(wallet, await offerFor(ada));
    expect((await send(eve, proof)).status).toBe(401);
    expect((await send(eve, await proofOf(wallet, { ...(await offerFor(eve)), statement: (await offerFor(ada)).statement }))).status).toBe(
      401,
    );
    expect((await send(ada, await proofOf(other, { ...(await offerFor(ada)), address: wallet.address }))).status).toBe(401);
    expect((await send(ada, proof)).status).toBe(201);
    expect((await send(ada, proof)).json).toMatchObject({ status: 401, detail: 'The nonce was used before.' });
    expect((await add(eve, wallet)).json).toMatchObject({ status: 409, code: 'conflict' });
    expect(await walletsOf(eve)).toHaveLength(1);
  });

  it('are between one and twenty', async () => {
    const [only = ''] = await walletsOf(ada);
    expect((await remove(ada, only)).json).toMatchObject({ status: 409, code: 'wallet-limit', detail: 'The last wallet stays.' });
    for (let has = 1; has < 20; has += 1) expect((await add(ada, aWallet())).status).toBe(201);
    expect((await add(ada, aWallet())).json).toMatchObject({ status: 409, code: 'wallet-limit' });
    expect((await remove(ada, randomHex(20))).json).toMatchObject({ status: 404 });
  });

  it('sign everybody else out when one is removed', async () => {
    const [wallet, lost] = [aWallet(), aWallet()];
    const grace = await api.aCreator(wallet.address);
    await add(grace, lost);
    const [mine, theirs] = [await signIn(api, wallet), await signIn(api, lost)];
    const me = (cookie: string): Promise<Answer> => api.call('GET', '/v1/me', { headers: { cookie } });
    expect((await me(theirs.cookie)).status).toBe(200);
    const headers = { cookie: mine.cookie, origin: SIGN_IN_ORIGIN };
    expect((await api.call('DELETE', `/v1/me/wallets/${lost.address}`, { headers })).status).toBe(204);
    expect((await me(theirs.cookie)).status).toBe(401);
    expect((await me(mine.cookie)).status).toBe(200);
  });
});

describe('the public profile', () => {
  const lookUp = (handle: string): Promise<Answer> => api.call('GET', `/v1/public/creators/${handle}`);
  const change = (creator: TestCreator, body: object): Promise<Answer> => api.call('PATCH', '/v1/me', { token: creator.accessToken, body });

  it('is there for whoever wants to be found, and says nothing but what tips need', async () => {
    expect((await lookUp(ada.handle)).json).toMatchObject({ status: 404 });
    expect((await change(ada, { listed: true })).json).toMatchObject({ listed: true });
    const { status, json } = await lookUp(ada.handle);
    expect({ status, json }).toEqual({
      status: 200,
      json: { handle: ada.handle, displayName: `Creator ${ada.handle}`, wallets: await walletsOf(ada) },
    });
    await change(ada, { listed: false });
    const [hidden, missing] = [await lookUp(ada.handle), await lookUp('nobody-at-all')];
    const whoever = { instance: '', requestId: '' };
    expect({ ...(hidden.json as object), ...whoever }).toEqual({ ...(missing.json as object), ...whoever });
  });

  it('moves with the handle, which belongs to one creator at a time', async () => {
    const eve = await api.aCreator();
    expect((await change(ada, { handle: eve.handle })).json).toMatchObject({ status: 409, code: 'conflict' });
    const handle = `h-${randomHex(6).slice(2)}`;
    expect((await change(ada, { handle, listed: true })).json).toMatchObject({ handle });
    expect((await lookUp(handle)).status).toBe(200);
    expect((await change(eve, { handle: ada.handle })).json).toMatchObject({ handle: ada.handle });
    for (const wrong of ['Ada', 'a', 'a'.repeat(33), 'a/b', '', null]) expect((await change(ada, { handle: wrong })).status).toBe(400);
  });
});
