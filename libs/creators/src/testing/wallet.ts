import { randomHex } from '@droppio/tips/testing';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { createSiweMessage, type SiweMessage } from 'viem/siwe';
import { SIGN_IN_ORIGIN, type Answer, type TestApi } from './test-api.js';

export type Wallet = PrivateKeyAccount;

export const aWallet = (): Wallet => privateKeyToAccount(generatePrivateKey());

export async function aNonce(api: TestApi): Promise<string> {
  return ((await api.call('POST', '/v1/auth/siwe/nonce')).json as { nonce: string }).nonce;
}

/** A message as a wallet would be asked to sign it; a test names what matters. */
export async function aMessage(api: TestApi, wallet: Pick<Wallet, 'address'>, fields: Partial<SiweMessage> = {}): Promise<string> {
  return createSiweMessage({
    address: wallet.address,
    chainId: 1,
    domain: new URL(SIGN_IN_ORIGIN).host,
    issuedAt: new Date(),
    nonce: fields.nonce ?? (await aNonce(api)),
    statement: 'Sign in to Droppio.',
    uri: `${SIGN_IN_ORIGIN}/login`,
    version: '1',
    ...fields,
  });
}

export const aSignUp = (): { handle: string; displayName: string } => ({
  handle: `w-${randomHex(6).slice(2)}`,
  displayName: 'Wallet owner',
});

export async function aSignIn(api: TestApi, wallet: Wallet): Promise<{ message: string; signature: string; signUp: object }> {
  const message = await aMessage(api, wallet);
  return { message, signature: await wallet.signMessage({ message }), signUp: aSignUp() };
}

/** Signs in, up if need be, and gives the cookie of the session. */
export async function signIn(api: TestApi, wallet: Wallet): Promise<{ answer: Answer; cookie: string }> {
  const answer = await api.call('POST', '/v1/auth/siwe/verify', {
    body: await aSignIn(api, wallet),
    headers: { origin: SIGN_IN_ORIGIN, 'user-agent': 'OBS/31' },
  });
  return { answer, cookie: (answer.headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '' };
}
