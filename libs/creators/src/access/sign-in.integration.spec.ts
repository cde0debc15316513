import { toHex, type Hex } from '@droppio/tips';
import { anvil, type AnvilNode } from '../testing/anvil.js';
import { randomHex } from '@droppio/tips/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { getContractAddress, serializeErc6492Signature } from 'viem';
import { addWalletStatement } from './sign-in-message.js';
import {
  aMessage,
  aNonce,
  aSignIn,
  aSignUp,
  aWallet,
  SIGN_IN_ORIGIN,
  signIn,
  startTestApi,
  type TestApi,
  type TestCreator,
} from '../testing/index.js';

/* Contracts that answer EIP-1271's question with yes, or with nothing. */
const SAYS_YES = '0x631626ba7e60e01b60005260206000f3';
const SAYS_NO = '0x60206000f3';
/* Makes a contract of what it is called with, and what it is called with: the two above. */
const FACTORY = '0xfac7000000000000000000000000000000000001';
const MAKES_CONTRACTS = '0x36600060003760003660006000f55000';
const MADE_YES = `0x6f${SAYS_YES.slice(2)}60005260106010f3` as const;
const MADE_NO = `0x65${SAYS_NO.slice(2)}6000526006601af3` as const;
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

let api: TestApi;
let node: AnvilNode;
/** Another chain. */
let elsewhere: AnvilNode;
const ELSEWHERE = 31_338;

beforeAll(async () => {
  [node, elsewhere] = await Promise.all([anvil(inject('anvilPath')), anvil(inject('anvilPath'), ELSEWHERE)]);
  const nodes = new Map([
    [31_337, node.url],
    [ELSEWHERE, elsewhere.url],
  ]);
  api = await startTestApi(inject('postgresUrl'), { nodes });
});

afterAll(async () => {
  await api.close();
  await Promise.all([node.stop(), elsewhere.stop()]);
});

const verify = (body: object, headers: Record<string, string> = {}) => api.call('POST', '/v1/auth/siwe/verify', { body, headers });

describe('signing in with a wallet', () => {
  it('makes a creator of somebody new and knows them again', async () => {
    const wallet = aWallet();
    const first = await signIn(api, wallet);
    expect(first.answer.status).toBe(200);
    expect(first.answer.json).toMatchObject({ wallets: [toHex(wallet.address)] });
    const second = await signIn(api, wallet);
    expect(second.answer.json).toEqual(first.answer.json);
    expect(second.cookie).not.toBe(first.cookie);
    const me = await api.call('GET', '/v1/me', { headers: { cookie: `theme=dark; ${second.cookie}` } });
    expect(me.json).toEqual(first.answer.json);
  });

  it('sets a cookie that scripts cannot read and that goes over HTTPS, to this host, from this site', async () => {
    const { answer } = await signIn(api, aWallet());
    expect(answer.headers.get('set-cookie')).toMatch(
      /^__Host-droppio_sid=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax$/,
    );
  });

  it('accepts a message once, whoever is first', async () => {
    const body = await aSignIn(api, aWallet());
    const answers = await Promise.all(Array.from({ length: 8 }, () => verify(body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(7).fill(401)]);
    expect((await verify(body)).json).toMatchObject({ status: 401, detail: 'The nonce was used before.' });
  });

  it('tells a wallet that nobody has to sign up', async () => {
    const { message, signature } = await aSignIn(api, aWallet());
    expect((await verify({ message, signature })).json).toMatchObject({ status: 404, detail: 'No creator has this wallet.' });
  });

  it('signs nobody in from another site’s page', async () => {
    for (const origin of ['https://evil.test', 'null', `${SIGN_IN_ORIGIN}.evil.test`, 'http://app.test']) {
      expect((await verify(await aSignIn(api, aWallet()), { origin })).status).toBe(403);
    }
  });

  it.each([
    ['for another domain', { domain: 'evil.test' }, 'is for another site'],
    ['for a domain that only looks like ours', { domain: 'app.test.evil.test' }, 'is for another site'],
    ['for ours with another port', { domain: 'app.test:8443' }, 'is for another site'],
    ['with a uri elsewhere', { uri: 'https://evil.test/login' }, 'has a uri of another site'],
    ['with a uri of another scheme', { uri: 'http://app.test/login' }, 'has a uri of another site'],
    ['for another scheme', { scheme: 'http' }, 'is for another scheme'],
    ['for a chain that is not listed', { chainId: 10 }, 'is for a chain that is not accepted here'],
    ['issued long ago', { issuedAt: new Date(Date.now() - 601_000) }, 'was not issued just now'],
    ['issued in the future', { issuedAt: new Date(Date.now() + 120_000) }, 'was not issued just now'],
    ['that has expired', { expirationTime: new Date(Date.now() - 1000) }, 'has expired'],
    ['that is not valid yet', { notBefore: new Date(Date.now() + 60_000) }, 'is not valid yet'],
  ])('refuses a message %s', async (_what, fields, reason) => {
    const wallet = aWallet();
    const message = await aMessage(api, wallet, fields);
    const answer = await verify({ message, signature: await wallet.signMessage({ message }), signUp: aSignUp() });
    expect(answer.json).toMatchObject({ status: 401, code: 'unauthorized', detail: `The message ${reason}.` });
    expect(answer.headers.get('set-cookie')).toBeNull();
  });

  it.each([
    ['made up', 'a'.repeat(76)],
    ['of another shape', 'abcdefgh'],
  ])('refuses a nonce that is %s', async (_what, nonce) => {
    const wallet = aWallet();
    const message = await aMessage(api, wallet, { nonce });
    const answer = await verify({ message, signature: await wallet.signMessage({ message }), signUp: aSignUp() });
    expect(answer.json).toMatchObject({ status: 401, detail: 'The nonce is not ours or has expired.' });
  });

  it.each([
    ['a word before', (message: string) => `Hello. ${message}`],
    ['a line after', (message: string) => `${message}\nMore: text`],
    ['another date style', (message: string) => message.replace(/\.\d{3}Z/, 'Z')],
    ['an address without its checksum', (message: string) => message.replace(/0x[0-9a-fA-F]{40}/, (address) => address.toLowerCase())],
    ['carriage returns', (message: string) => message.replaceAll('\n', '\r\n')],
  ])('refuses a message with %s', async (_what, bend) => {
    const wallet = aWallet();
    const message = bend(await aMessage(api, wallet));
    const answer = await verify({ message, signature: await wallet.signMessage({ message }), signUp: aSignUp() });
    expect(answer.json).toMatchObject({ status: 401, detail: 'The message is not an EIP-4361 message in its canonical form.' });
  });

  it.each([
    ['of somebody else', async (message: string) => aWallet().signMessage({ message })],
    [
      'over another text',
      async (_message: string, wallet: { signMessage: (given: { message: string }) => Promise<Hex> }) =>
        wallet.signMessage({ message: 'other' }),
    ],
    [
      'that is the twin of a good one',
      async (message: string, wallet: { signMessage: (given: { message: string }) => Promise<Hex> }) =>
        twin(await wallet.signMessage({ message })),
    ],
    [
      'that is cut short',
      async (message: string, wallet: { signMessage: (given: { message: string }) => Promise<Hex> }) =>
        (await wallet.signMessage({ message })).slice(0, 130),
    ],
    ['of zeros', () => Promise.resolve(`0x${'00'.repeat(65)}`)],
    ['of ones', () => Promise.resolve(`0x${'ff'.repeat(65)}`)],
  ])('refuses a signature %s', async (_what, sign) => {
    const wallet = aWallet();
    const message = await aMessage(api, wallet);
    const answer = await verify({ message, signature: await sign(message, wallet), signUp: aSignUp() });
    expect(answer.json).toMatchObject({ status: 401, detail: 'The signature is not of this wallet over this message.' });
  });
});

describe('wallets that are contracts', () => {
  const contract = { address: '0x1271127112711271127112711271127112711271' } as const;
  const body = async (chainId = 31_337) => ({
    message: await aMessage(api, contract, { chainId }),
    signature: `0x${'ab'.repeat(300)}`,
    signUp: aSignUp(),
  });

  it('are asked on their chain', async () => {
    await node.call('anvil_setCode', [contract.address, SAYS_NO]);
    expect((await verify(await body())).status).toBe(401);
    await node.call('anvil_setCode', [contract.address, SAYS_YES]);
    const accepted = await body();
    const answer = await verify(accepted);
    expect(answer.json).toMatchObject({ wallets: [contract.address] });
    expect((await verify(accepted)).json).toMatchObject({ status: 401, detail: 'The nonce was used before.' });
  });

  it('may not be there yet: the signature says who would make them (EIP-6492)', async () => {
    await node.call('anvil_setCode', [FACTORY, MAKES_CONTRACTS]);
    const address = getContractAddress({ opcode: 'CREATE2', from: FACTORY, salt: toHex(`0x${'00'.repeat(32)}`), bytecode: MADE_YES });
    const wrapped = (data: Hex): Hex => serializeErc6492Signature({ address: FACTORY, data, signature: '0xab' });
    const ask = async (data: Hex) => {
      const message = await aMessage(api, { address }, { chainId: 31_337 });
      return verify({ message, signature: wrapped(data), signUp: aSignUp() });
    };
    expect((await ask(MADE_NO)).status).toBe(401);
    expect((await ask(MADE_YES)).json).toMatchObject({ wallets: [toHex(address)] });
  });

  describe('on two chains', () => {
    const claim = async (address: Hex, chainId: number, fields: object = {}) => ({
      message: await aMessage(api, { address }, { chainId, ...fields }),
      signature: `0x${'ab'.repeat(300)}`,
    });
    const add = async (creator: TestCreator, address: Hex, chainId: number) => {
      const { json } = await api.call('POST', '/v1/me/wallets/nonce', { token: creator.accessToken });
      const { nonce } = json as { nonce: string };
      const body = await claim(address, chainId, { nonce, statement: addWalletStatement(creator) });
      return api.call('POST', '/v1/me/wallets', { token: creator.accessToken, body });
    };
    const statusOn = async (address: Hex, chainId: number) => (await verify(await claim(address, chainId))).status;
    /** One that says yes to everybody, on both. */
    const aContract = async (): Promise<Hex> => {
      const address = randomHex(20);
      await Promise.all([node, elsewhere].map((each) => each.call('anvil_setCode', [address, SAYS_YES])));
      return address;
    };

    it('sign in on the one that they signed up on: another one has other owners', async () => {
      const address = await aContract();
      expect((await verify({ ...(await claim(address, 31_337)), signUp: aSignUp() })).status).toBe(200);
      const answer = await verify({ ...(await claim(address, ELSEWHERE)), signUp: aSignUp() });
      expect(answer.json).toMatchObject({ status: 401, detail: 'A contract signs in on the chain that it was added on.' });
      expect(answer.headers.get('set-cookie')).toBeNull();
      expect(await statusOn(address, 31_337)).toBe(200);
    });

    it('sign in on the one that they were added on, last', async () => {
      const [address, ada] = [await aContract(), await api.aCreator()];
      expect((await add(ada, address, ELSEWHERE)).json).toMatchObject({ address, provenOn: ELSEWHERE });
      expect([await statusOn(address, 31_337), await statusOn(address, ELSEWHERE)]).toEqual([401, 200]);
      expect((await add(ada, address, 31_337)).json).toMatchObject({ address, provenOn: 31_337 });
      expect([await statusOn(address, 31_337), await statusOn(address, ELSEWHERE)]).toEqual([200, 401]);
      const { json } = await api.call('GET', '/v1/me/wallets', { token: ada.accessToken });
      expect(json).toMatchObject({ data: [{ provenOn: null }, { address, provenOn: 31_337 }] });
    });

    it('sign in on neither while only the operator has said whose they are', async () => {
      const address = await aContract();
      const ada = await api.aCreator(address);
      expect([await statusOn(address, 31_337), await statusOn(address, ELSEWHERE)]).toEqual([401, 401]);
      expect((await add(ada, address, 31_337)).status).toBe(201);
      expect([await statusOn(address, 31_337), await statusOn(address, ELSEWHERE)]).toEqual([200, 401]);
    });

    it('are no matter for keys', async () => {
      const wallet = aWallet();
      for (const chainId of [1, 31_337, ELSEWHERE]) {
        const message = await aMessage(api, wallet, { chainId });
        const answer = await verify({ message, signature: await wallet.signMessage({ message }), signUp: aSignUp() });
        expect(answer.json).toMatchObject({ wallets: [toHex(wallet.address)] });
      }
    });
  });

  it('are not asked on a chain without a node', async () => {
    expect((await verify(await body(1))).status).toBe(401);
  });

  it('are not asked about the twin of a key’s signature', async () => {
    const wallet = aWallet();
    const message = await aMessage(api, wallet, { chainId: 31_337 });
    const signature = await wallet.signMessage({ message });
    const answer = await verify({ message, signature: twin(signature), signUp: aSignUp() });
    expect(answer.json).toMatchObject({ status: 401, detail: 'The signature is not of this wallet over this message.' });
    expect((await verify({ message, signature, signUp: aSignUp() })).status).toBe(200);
  });

  it('wait for their node; wallets with a key do not', async () => {
    const wallet = aWallet();
    const silent = await startTestApi(inject('postgresUrl'), { nodes: new Map([[31_337, 'http://127.0.0.1:9']]) });
    try {
      const message = await aMessage(silent, contract, { chainId: 31_337 });
      const asked = await silent.call('POST', '/v1/auth/siwe/verify', { body: { message, signature: `0x${'ab'.repeat(300)}` } });
      expect(asked.json).toMatchObject({ status: 503, code: 'chain-unavailable' });
      const took: number[] = [];
      for (let n = 0; n < 5; n += 1) {
        const own = await aMessage(silent, wallet, { chainId: 31_337 });
        const body = { message: own, signature: await wallet.signMessage({ message: own }), signUp: aSignUp() };
        const startedAt = performance.now();
        expect((await silent.call('POST', '/v1/auth/siwe/verify', { body })).status).toBe(200);
        took.push(performance.now() - startedAt);
      }
      expect(Math.min(...took)).toBeLessThan(100);
    } finally {
      await silent.close();
    }
  });
});

describe('sessions', () => {
  const list = async (cookie: string) =>
    (await api.call('GET', '/v1/auth/sessions', { headers: { cookie } })).json as {
      data: { id: string; isCurrent: boolean; agent: string }[];
    };

  it('are listed and ended one by one, at once', async () => {
    const wallet = aWallet();
    const { cookie: here } = await signIn(api, wallet);
    const { cookie: there } = await signIn(api, wallet);
    const { data } = await list(here);
    expect(data.map(({ isCurrent, agent }) => ({ isCurrent, agent }))).toEqual([
      { isCurrent: false, agent: 'OBS/31' },
      { isCurrent: true, agent: 'OBS/31' },
    ]);
    const headers = { cookie: here, origin: SIGN_IN_ORIGIN };
    expect((await api.call('DELETE', `/v1/auth/sessions/${data[0]?.id ?? ''}`, { headers })).status).toBe(204);
    expect((await api.call('GET', '/v1/me', { headers: { cookie: there } })).status).toBe(401);
    expect((await api.call('GET', '/v1/me', { headers: { cookie: here } })).status).toBe(200);
  });

  it('end with signing out, and the browser is told to forget', async () => {
    const { cookie } = await signIn(api, aWallet());
    const out = await api.call('DELETE', '/v1/auth/session', { headers: { cookie, origin: SIGN_IN_ORIGIN } });
    expect(out.headers.get('set-cookie')).toMatch(/^__Host-droppio_sid=; Path=\/; Max-Age=0;/);
    expect((await api.call('GET', '/v1/me', { headers: { cookie } })).status).toBe(401);
  });

  it('change nothing for a page of another site, or for one that does not say where it is from', async () => {
    const { cookie } = await signIn(api, aWallet());
    for (const headers of [{ cookie }, { cookie, origin: 'https://evil.test' }, { cookie, origin: 'null' }]) {
      expect((await api.call('POST', '/v1/overlays', { headers, body: { name: 'x' } })).status).toBe(403);
    }
    expect((await api.call('POST', '/v1/overlays', { headers: { cookie, origin: SIGN_IN_ORIGIN }, body: { name: 'x' } })).status).toBe(201);
  });

  it('cannot be planted: a cookie that was there before is not taken over', async () => {
    const planted = `__Host-droppio_sid=${'A'.repeat(43)}`;
    const answer = await verify(await aSignIn(api, aWallet()), { cookie: planted });
    expect(answer.headers.get('set-cookie')).not.toContain('A'.repeat(43));
    expect((await api.call('GET', '/v1/me', { headers: { cookie: planted } })).status).toBe(401);
  });
});

describe('sign-up', () => {
  it('is the operator’s unless opened', async () => {
    const closed = await startTestApi(inject('postgresUrl'), { isSignUpOpen: false });
    try {
      const { answer } = await signIn(closed, aWallet());
      expect(answer.json).toMatchObject({ status: 403, code: 'forbidden' });
      const wallet = aWallet();
      const { handle } = await closed.aCreator(wallet.address);
      expect((await signIn(closed, wallet)).answer.json).toMatchObject({ handle });
    } finally {
      await closed.close();
    }
  });
});

describe('secrets of sign-in', () => {
  it('are in no log line', async () => {
    const watched = await startTestApi(inject('postgresUrl'));
    try {
      const wallet = aWallet();
      const { cookie } = await signIn(watched, wallet);
      const nonce = await aNonce(watched);
      const body = { message: await aMessage(watched, wallet, { nonce, domain: 'evil.test' }), signature: '0x00' };
      expect((await watched.call('POST', '/v1/auth/siwe/verify', { body })).status).toBe(401);
      await watched.call('POST', '/v1/overlays', { headers: { cookie, origin: 'https://evil.test' }, body: { name: 'x' } });
      expect(watched.logger.text()).toContain("reason: 'origin'");
      for (const secret of [nonce, cookie.split('=')[1] ?? 'none']) expect(watched.logger.text()).not.toContain(secret);
    } finally {
      await watched.close();
    }
  });
});

/** The other signature over the same text that fits the same key. */
function twin(signature: Hex): Hex {
  const s = ORDER - BigInt(`0x${signature.slice(66, 130)}`);
  const v = signature.endsWith('1b') ? '1c' : '1b';
  return `${signature.slice(0, 66)}${s.toString(16).padStart(64, '0')}${v}` as Hex;
}
