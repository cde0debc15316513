import type { ChainLog, Hex } from '@droppio/tips';

/** `keccak256("Transfer(address,address,uint256)")`. ERC-721 has the very same, with the third argument as a topic. */
export const TRANSFER_TOPIC: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';

/** The event as its token wrote it: nothing judged. */
export interface RawTransfer {
  readonly token: Hex;
  readonly from: Hex;
  readonly to: Hex;
  readonly amount: bigint;
}

const WORD = 66;
const ADDRESS_PADDING = `0x${'0'.repeat(24)}`;

/** Reads an ERC-20 `Transfer` by hand. `undefined`: another event, or one that is not laid out as ERC-20 does it (ERC-721, some old tokens). */
export function decodeTransfer(log: ChainLog): RawTransfer | undefined {
  const [topic, from, to] = log.topics;
  if (topic !== TRANSFER_TOPIC || from === undefined || to === undefined) return undefined;
  if (log.topics.length !== 3 || log.data.length !== WORD) return undefined;
  if (!from.startsWith(ADDRESS_PADDING) || !to.startsWith(ADDRESS_PADDING)) return undefined;
  return { token: log.address, from: addressIn(from), to: addressIn(to), amount: BigInt(log.data) };
}

/** Whom a `Transfer` pays, without reading the rest: most pay nobody that we know. */
export function payeeOf({ topics: [, , to] }: ChainLog): Hex | undefined {
  return to?.length === WORD ? addressIn(to) : undefined;
}

function addressIn(topic: Hex): Hex {
  return `0x${topic.slice(ADDRESS_PADDING.length)}`;
}
