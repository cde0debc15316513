import { NATIVE_TOKEN } from '@droppio/tips';
import type { ChainStory } from './chain-story.js';
import type { Slot } from './failpoints.js';
import type { FaultyProxy } from './faulty-proxy.js';
import type { Rules } from './oracle-chain.js';
import { refusingWallet } from './tip-maker.js';

/** Blocks after which a promise that none of them kept is taken back. */
export const DROP_AFTER = 2;

/** A chain as the operator writes it down for a listener. */
export function settingOf(story: ChainStory, proxy: FaultyProxy, slot: Slot): object {
  const urls = (protocol: 'http' | 'ws'): string[] =>
    story.chain.endpoints.map((endpoint) => proxy.url(protocol, slot, story.chainId, endpoint.index));
  const { promises, traits } = story.plan;
  const tokens = traits.money === undefined ? [] : [{ address: story.maker.token, symbol: 'TEST', decimals: 18 }];
  const above = [NATIVE_TOKEN, ...tokens.map(({ address }) => address)].map((token) => ({ token, amount: '0' }));
  return {
    chainId: story.chainId,
    name: `seed-${String(story.plan.seed)}`,
    rpcUrls: urls('http'),
    wsUrls: urls('ws'),
    tipJar: story.maker.jar,
    startBlock: 0,
    native: { symbol: 'ETH', decimals: 18 },
    tokens,
    transfers: traits.money ?? {},
    pollMs: 200,
    confirmations: traits.confirmations,
    ...(promises ? { preconfirmations: { source: traits.source, dropAfter: DROP_AFTER } } : {}),
    ...(traits.forger === undefined ? {} : { quorum: { above, finalized: true } }),
  };
}

/** What the oracle goes by: the same chain, in its words. */
export function rulesOf({ chainId, maker, plan, group }: ChainStory): Rules {
  const { money } = plan.traits;
  return {
    chainId,
    jar: maker.jar,
    token: money?.tokens === true ? maker.token : undefined,
    native: money?.native === true,
    confirmations: plan.traits.confirmations,
    wallets: new Set([...group.wallets, refusingWallet()]),
  };
}
