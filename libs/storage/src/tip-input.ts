import type { BlockCommit, BlockHeader, BlockRef, QuarantinedLog, SightedTip } from '@droppio/tips';

const INT4_MAX = 2_147_483_647;
const UINT256_MAX = 2n ** 256n - 1n;
/** Far above what `cleanMessage` lets through; only guards the row size against a caller's bug. */
const MESSAGE_MAX_CHARS = 20_000;

const HASH = /^0x[0-9a-f]{64}$/;
const ADDRESS = /^0x[0-9a-f]{40}$/;
/** Postgres text holds neither NUL nor half of a surrogate pair. */
const UNSTORABLE = /\0|\p{Surrogate}/u;

/** By hand, since it is asked of every tip of a backfill: the same rules as a schema (a test holds the two against each other), in half the time. */
export function isStorable({ txHash, ordinal, logIndex, creator, from, token, amount, message, ref, display }: SightedTip): boolean {
  const isKeyed = HASH.test(txHash) && isInt4(ordinal) && isInt4(logIndex) && HASH.test(ref);
  const isPaid = ADDRESS.test(creator) && ADDRESS.test(from) && ADDRESS.test(token) && amount >= 0n && amount <= UINT256_MAX;
  return isKeyed && isPaid && message.length <= MESSAGE_MAX_CHARS && isTextStorable(message) && isTextStorable(display);
}

function isInt4(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= INT4_MAX;
}

/** Asked of the values, not of their JSON, where such characters are escaped and look harmless until Postgres reads them. */
function isTextStorable(value: unknown): boolean {
  if (typeof value === 'string') return !UNSTORABLE.test(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(isTextStorable);
}

/**
 * What goes aside instead of in: bytes always fit, so this can never be in the way. It says where on the chain to look, and holds nobody's
 * text: a message that may have to be erased has one place less to be in.
 */
export interface Aside {
  readonly logIndex: number;
  readonly code: string;
  readonly raw: string;
}

/** A block as the commit statement takes it. */
export interface BlockInput<B extends BlockRef = BlockHeader> {
  readonly block: B;
  readonly seenAtMs: number;
  readonly onTop: number;
  readonly tips: readonly SightedTip[];
  readonly aside: readonly Aside[];
}

/** Sorts a block's tips into those that fit the tables and those that do not. Log order is kept: it becomes the order of seqs. */
export function blockInput<B extends BlockRef>({
  block,
  seenAtMs,
  onTop = 0,
  tips,
  quarantined,
}: Omit<BlockCommit, 'block'> & { readonly block: B }): BlockInput<B> {
  const good: SightedTip[] = [];
  const aside = quarantined.map(asideOfLog);
  const taken = new Set<string>();
  for (const tip of [...tips].sort((a, b) => a.logIndex - b.logIndex)) {
    const key = `${tip.txHash}-${String(tip.ordinal)}`;
    if (!isStorable(tip)) aside.push(asideOfTip(tip, 'tip-invalid', aside.length));
    else if (taken.has(key)) aside.push(asideOfTip(tip, 'tip-repeated', aside.length));
    else {
      taken.add(key);
      good.push(tip);
    }
  }
  return { block, seenAtMs, onTop, tips: good, aside };
}

/** Those that fit the tables. */
export function storableTips(tips: readonly SightedTip[]): readonly SightedTip[] {
  return tips.filter(isStorable);
}

/** The same block without this tip. */
export function setAside(input: BlockInput, tip: SightedTip, code: string): BlockInput {
  return {
    ...input,
    tips: input.tips.filter((other) => other !== tip),
    aside: [...input.aside, asideOfTip(tip, code, input.aside.length)],
  };
}

function asideOfLog({ log, code }: QuarantinedLog): Aside {
  const { blockHash, blockNumber, txHash, logIndex, address, topics } = log;
  return { logIndex, code: code.slice(0, 64), raw: rawHex({ blockHash, blockNumber, txHash, logIndex, address, topics }) };
}

export function asideOfTip(tip: SightedTip, code: string, nth: number): Aside {
  const { txHash, ordinal, logIndex, creator, from, token, amount, ref } = tip;
  // A log index that cannot be stored is part of the fault: a negative one stands for it, unique in the block.
  return {
    logIndex: isInt4(logIndex) ? logIndex : -1 - nth,
    code,
    raw: rawHex({ txHash, ordinal, logIndex, creator, from, token, amount, ref }),
  };
}

function rawHex(value: object): string {
  const json = JSON.stringify(value, (_key, field: unknown) => (typeof field === 'bigint' ? field.toString() : field));
  return Buffer.from(json, 'utf8').toString('hex');
}

/** A tip as statements take it: a row of `jsonb_to_recordset`. */
export function tipRow(tip: SightedTip): Readonly<Record<string, unknown>> {
  return {
    tx_hash: tip.txHash.slice(2),
    ordinal: tip.ordinal,
    log_index: tip.logIndex,
    wallet: tip.creator.slice(2),
    sender: tip.from.slice(2),
    token: tip.token.slice(2),
    amount: tip.amount.toString(),
    message: tip.message,
    ref: tip.ref.slice(2),
    display: tip.display,
  };
}

/** The tips as one JSON parameter: `jsonb_to_recordset` turns it into rows inside the statement. */
export function tipsJson(tips: readonly SightedTip[]): string {
  return JSON.stringify(tips.map((tip, pos) => ({ pos, ...tipRow(tip) })));
}

export function asideJson(aside: readonly Aside[]): string {
  return JSON.stringify(aside.map(({ logIndex, code, raw }) => ({ log_index: logIndex, code, raw })));
}
