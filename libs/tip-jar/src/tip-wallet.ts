import type { Hex } from '@droppio/tips';
import {
  createWalletClient,
  defineChain,
  http,
  publicActions,
  type Account,
  type Chain,
  type HttpTransport,
  type PublicActions,
  type WalletClient,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

/** A key on one chain, able to send and to wait for what it sent. */
export type TipWallet = WalletClient<HttpTransport, Chain, Account> & PublicActions<HttpTransport, Chain, Account>;

export interface WalletOptions {
  readonly rpcUrl: string;
  readonly privateKey: Hex;
  /** How often to look for a receipt. */
  readonly pollMs?: number;
}

/** Asks the node for its chain id; rejects when it does not answer within 10 s. */
export async function openWallet({ rpcUrl, privateKey, pollMs = 100 }: WalletOptions): Promise<TipWallet> {
  const transport = http(rpcUrl, { retryCount: 0, timeout: 10_000 });
  const id = await createWalletClient({ transport }).getChainId();
  const chain = defineChain({
    id,
    name: `chain ${String(id)}`,
    nativeCurrency: { name: 'Coin', symbol: 'COIN', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  });
  const account = privateKeyToAccount(privateKey);
  return createWalletClient({ account, chain, transport, pollingInterval: pollMs, cacheTime: 0 }).extend(publicActions);
}
