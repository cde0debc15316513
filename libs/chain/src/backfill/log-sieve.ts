import type { Hex } from '@droppio/tips';
import type { ChainSettings } from '../chain-settings.js';
import { TIP_TOPIC } from '../decode-tip.js';
import { TRANSFER_TOPIC } from '../decode-transfer.js';
import type { LogSieve } from '../nodes/wire-logs.js';
import type { WatchedWallets } from '../sight-tips.js';

/** Hex digits of a topic before the address in it. */
const PADDING = 26;

/**
 * Which logs make their transaction worth reading: whatever the jar writes, and transfers of listed tokens to a watched wallet. Of a busy
 * token nearly all pay strangers, and are then not even checked.
 */
export function logSieve(
  { tipJar, tokens, transfers }: Pick<ChainSettings, 'tipJar' | 'tokens' | 'transfers'>,
  watched: WatchedWallets,
): LogSieve {
  const listed = new Set<string>(transfers.tokens ? tokens.map(({ address }) => address) : []);
  return (address, [topic, , to]) => {
    const writer = address.toLowerCase();
    if (writer === tipJar) return is(topic, TIP_TOPIC);
    if (!listed.has(writer) || !is(topic, TRANSFER_TOPIC) || typeof to !== 'string') return false;
    const payee: Hex = `0x${to.slice(PADDING).toLowerCase()}`;
    return watched.has(payee);
  };
}

function is(topic: unknown, wanted: Hex): boolean {
  return topic === wanted || (typeof topic === 'string' && topic.toLowerCase() === wanted);
}
