import { tipJarAbi } from '@droppio/tip-jar';
import { decodeEventLog, erc20Abi } from 'viem';
import type { NodeBlock, NodeLog, Rules, StandingTip } from './oracle-chain.js';

/** Before anybody knows what stands on top of it. */
type FoundTip = Omit<StandingTip, 'onTop'>;

const NOBODY = `0x${'0'.repeat(40)}`;
const NO_REF = `0x${'0'.repeat(64)}`;
/** Numbers of docs/adr/0009, written down a second time. */
const COINS = 1_000_000;
const TRANSFERS = 2 ** 30;
const SLOT = 2 ** 12;
const TOKEN_SLOTS = 2 ** 18;

/** What the jar tells of, and what a listed token tells of that is not the jar's doing. In the order of the chain. */
export function tipsIn(logs: readonly NodeLog[], rules: Rules): FoundTip[] {
  const ranks = new Map<string, number>();
  const found: FoundTip[] = [];
  for (const [index, log] of logs.entries()) {
    const place = `${log.transactionHash} ${log.address}`;
    const rank = ranks.get(place) ?? 0;
    ranks.set(place, rank + 1);
    if (log.address === rules.jar) found.push(throughJar(log, rank, rules));
    // The jar pulls a token, the token tells of it, and right behind the jar tells of the tip: that money is counted there.
    else if (log.address === rules.token && !isOf(logs[index + 1], log, rules)) found.push(...transferred(log, rank, rules));
  }
  return found;
}

function throughJar(log: NodeLog, rank: number, { chainId }: Rules): FoundTip {
  const { args } = decodeEventLog({ abi: tipJarAbi, eventName: 'Tip', topics: log.topics, data: log.data });
  return {
    ...placeOf(log),
    id: `${String(chainId)}-${log.transactionHash}-${String(rank)}`,
    source: 'jar',
    wallet: args.creator.toLowerCase(),
    sender: args.from.toLowerCase(),
    token: args.token.toLowerCase(),
    amount: args.amount,
    message: args.message,
    ref: args.ref,
  };
}

/** Does the next log tell of a tip in this very token? */
function isOf(next: NodeLog | undefined, log: NodeLog, { jar }: Rules): boolean {
  if (next?.transactionHash !== log.transactionHash || next.address !== jar) return false;
  const { args } = decodeEventLog({ abi: tipJarAbi, eventName: 'Tip', topics: next.topics, data: next.data });
  return args.token.toLowerCase() === log.address;
}

/** Nobody is thanked for tokens that are made, that move nowhere, or for none of them. */
function transferred(log: NodeLog, rank: number, { chainId, wallets }: Rules): FoundTip[] {
  const { args } = decodeEventLog({ abi: erc20Abi, eventName: 'Transfer', topics: log.topics, data: log.data });
  const [from, to] = [args.from.toLowerCase(), args.to.toLowerCase()];
  if (args.value === 0n || from === NOBODY || from === to || !wallets.has(to)) return [];
  const ordinal = TRANSFERS + Number(BigInt(log.address) % BigInt(TOKEN_SLOTS)) * SLOT + rank;
  const id = `${String(chainId)}-${log.transactionHash}-${String(ordinal)}`;
  const facts = { wallet: to, sender: from, token: log.address, amount: args.value, message: '', ref: NO_REF };
  return [{ ...placeOf(log), id, source: 'token', ...facts }];
}

function placeOf({ blockNumber, blockHash, logIndex }: NodeLog): Pick<FoundTip, 'blockNumber' | 'blockHash' | 'logIndex'> {
  return { blockNumber: Number(blockNumber), blockHash, logIndex: Number(logIndex) };
}

/** Coins that transactions sent by themselves to one of the wallets, and that arrived. */
export async function paymentsIn(
  blocks: readonly NodeBlock[],
  { chainId, wallets }: Rules,
  succeeded: (tx: string) => Promise<boolean>,
): Promise<FoundTip[]> {
  const found: FoundTip[] = [];
  for (const block of blocks) {
    for (const { hash, from, to, value } of block.transactions) {
      const wallet = to?.toLowerCase() ?? NOBODY;
      if (BigInt(value) === 0n || !wallets.has(wallet) || wallet === from.toLowerCase() || !(await succeeded(hash))) continue;
      found.push({
        id: `${String(chainId)}-${hash}-${String(COINS)}`,
        source: 'native',
        wallet,
        sender: from.toLowerCase(),
        token: NOBODY,
        amount: BigInt(value),
        message: '',
        ref: NO_REF,
        blockNumber: Number(block.number),
        blockHash: block.hash,
        logIndex: undefined,
      });
    }
  }
  return found;
}
