import type { TipFilter } from '@droppio/tips';
import { hexToBytes } from './columns.js';
import type { SqlValue } from './database.js';
import type { TipPlace } from './tip-cursor.js';
import { TIP_COLUMNS } from './tip-rows.js';

export interface Statement {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

interface Span {
  readonly creatorId: string;
  readonly filter: TipFilter;
  /** The list goes on after this one. */
  readonly after?: TipPlace | undefined;
}

const PLACE = 'block_time_ms, chain_id, block_number, log_index, tx_hash, ordinal';
const NEWEST_FIRST = 'block_time_ms DESC, chain_id DESC, block_number DESC, log_index DESC, tx_hash DESC, ordinal DESC';

/**
 * The newest of each wallet by the index, then the newest of those: a creator has few wallets, and a wallet registered today brings its
 * old tips along, since nothing is copied from the wallet into the tip. With a filter, tips from the edge of the scan on (`to`).
 */
export function pageStatement(span: Span & { readonly to?: TipPlace | undefined; readonly limit: number }): Statement {
  const list = new Values();
  const wallets = walletsOf(list, span);
  const range = [...rangeOf(list, span), ...filtersOf(list, span.filter)];
  if (span.to !== undefined) range.push(`(${PLACE}) >= ${placeOn(list, span.to)}`);
  const limit = list.add(span.limit);
  const text = `
SELECT t.* FROM creator_wallets w CROSS JOIN LATERAL (
  SELECT ${TIP_COLUMNS}
  FROM tips WHERE ${['tips.wallet = w.address', ...range].join(' AND ')}
  ORDER BY ${NEWEST_FIRST} LIMIT ${limit}
) t
WHERE ${wallets}
ORDER BY ${qualified('t')} LIMIT ${limit}`;
  return { text, values: list.all };
}

/**
 * The place up to which a filter is held against tips for this page: the newest of the places where the scan of a wallet ends. No row: all
 * that is left is scanned. Read from the index alone, so that it costs little where a page is full at once.
 */
export function edgeStatement(span: Span & { readonly scanned: number }): Statement {
  const list = new Values();
  const wallets = walletsOf(list, span);
  const range = ['tips.wallet = w.address', ...rangeOf(list, span)].join(' AND ');
  const text = `
SELECT e.* FROM creator_wallets w CROSS JOIN LATERAL (
  SELECT block_time_ms, chain_id, block_number, log_index, tx_hash
  FROM tips WHERE ${range}
  ORDER BY ${INDEXED} OFFSET ${list.add(span.scanned - 1)} LIMIT 1
) e
WHERE ${wallets}
ORDER BY ${qualified('e', INDEXED)} LIMIT 1`;
  return { text, values: list.all };
}

/** The index ends here; an ordinal is no part of an edge, which takes in all of its transaction. */
const INDEXED = NEWEST_FIRST.replace(', ordinal DESC', '');

/** Is there anything to look at in the tips themselves? Wallets and times are parts of the index. */
export function isScanning({ chainId, token, sender, states, minimum }: TipFilter): boolean {
  return [chainId, token, sender, states, minimum].some((asked) => asked !== undefined);
}

function walletsOf(list: Values, { creatorId, filter }: Span): string {
  const own = `w.creator_id = ${list.add(creatorId)}`;
  return filter.wallet === undefined ? own : `${own} AND w.address = ${list.add(hexToBytes(filter.wallet))}`;
}

function rangeOf(list: Values, { filter: { fromMs, beforeMs }, after }: Span): string[] {
  return [
    ...(fromMs === undefined ? [] : [`block_time_ms >= ${list.add(fromMs)}::bigint`]),
    ...(beforeMs === undefined ? [] : [`block_time_ms < ${list.add(beforeMs)}::bigint`]),
    ...(after === undefined ? [] : [`(${PLACE}) < ${placeOn(list, after)}`]),
  ];
}

function filtersOf(list: Values, { chainId, token, sender, states, minimum }: TipFilter): string[] {
  return [
    ...(chainId === undefined ? [] : [`chain_id = ${list.add(chainId)}::bigint`]),
    ...(token === undefined
      ? []
      : [`chain_id = ${list.add(token.chainId)}::bigint AND token = ${list.add(hexToBytes(token.address))}::bytea`]),
    ...(sender === undefined ? [] : [`sender = ${list.add(hexToBytes(sender))}::bytea`]),
    ...(states === undefined ? [] : [`state = ANY (${list.add([...states])}::text[])`]),
    ...(minimum === undefined ? [] : [`amount >= ${list.add(minimum.toString())}::numeric`]),
  ];
}

function placeOn(list: Values, { timeMs, chainId, block, logIndex, txHash, ordinal }: TipPlace): string {
  const places = [timeMs, chainId, block].map((value) => `${list.add(value)}::bigint`);
  return `(${[...places, `${list.add(logIndex)}::int`, `${list.add(hexToBytes(txHash))}::bytea`, `${list.add(ordinal)}::int`].join(', ')})`;
}

function qualified(table: string, order = NEWEST_FIRST): string {
  return order.replaceAll(/\b(\w+ DESC)/g, `${table}.$1`);
}

class Values {
  readonly all: SqlValue[] = [];

  /** The parameter that stands for it. */
  add(value: SqlValue): string {
    return `$${String(this.all.push(value))}`;
  }
}

/** $1 creator, $2 chain, $3 transaction, $4 ordinal. */
export const ONE_TIP = `
SELECT ${TIP_COLUMNS} FROM tips
WHERE (chain_id, tx_hash, ordinal) = ($2::bigint, $3::bytea, $4::int)
  AND EXISTS (SELECT FROM creator_wallets w WHERE w.address = tips.wallet AND w.creator_id = $1)`;

/** $1 chain, $2 transaction, $3 ordinal. The block that a tip is in now is the one that its row names, while it is in one. */
export const SIGHTINGS_OF = `
SELECT s.block_number, s.block_hash, s.log_index, s.wallet, s.amount, s.seen_at_ms,
  t.block_hash = s.block_hash AND t.state IN ('confirmed', 'safe', 'finalized') AS is_canonical
FROM tip_sightings s JOIN tips t ON (t.chain_id, t.tx_hash, t.ordinal) = (s.chain_id, s.tx_hash, s.ordinal)
WHERE s.chain_id = $1 AND s.tx_hash = $2 AND s.ordinal = $3
ORDER BY s.seen_at_ms, s.block_number, s.block_hash LIMIT 100`;

/** $1 creator, $2 id of a tip. */
export const TELLINGS_OF = `
SELECT seq, type, payload->>'state' AS state, (payload->>'rev')::int AS rev, created_at FROM creator_events
WHERE creator_id = $1 AND payload->>'id' = $2 AND type IN ('tip', 'tip.updated', 'tip.retracted')
ORDER BY seq LIMIT 100`;
