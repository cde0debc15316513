import { sql } from './audit.js';

export interface LedgerTip {
  readonly id: string;
  readonly chainId: number;
  readonly wallet: string;
  readonly sender: string;
  readonly token: string;
  readonly amount: bigint;
  readonly message: string;
  readonly ref: string;
  readonly state: string;
  readonly rev: number;
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly logIndex: number;
}

export interface LedgerEvent {
  readonly seq: number;
  readonly type: string;
  readonly id: string;
  readonly state: string;
  readonly rev: number;
  /** Whom overlays are told it is from. */
  readonly sender: string;
  readonly message: string;
}

export interface LedgerStream {
  readonly creatorId: string;
  readonly head: number;
  readonly published: number;
  readonly wallets: readonly string[];
  /** Blocks that a tip must have before this creator hears of it. */
  readonly alertAfter: number;
  /** Has rules, all of which hide senders. */
  readonly screens: boolean;
  readonly events: readonly LedgerEvent[];
}

export interface LedgerBlock {
  readonly number: number;
  readonly hash: string;
  readonly parentHash: string;
}

const TIPS = `
SELECT chain_id || '-0x' || encode(tx_hash, 'hex') || '-' || ordinal AS id, chain_id, '0x' || encode(wallet, 'hex') AS wallet,
  '0x' || encode(sender, 'hex') AS sender, '0x' || encode(token, 'hex') AS token, amount::text AS amount, message,
  '0x' || encode(ref, 'hex') AS ref, state, rev, block_number, '0x' || encode(block_hash, 'hex') AS block_hash, log_index
FROM tips`;
const EVENTS = `SELECT creator_id, seq, type, payload->>'id' AS id, payload->>'state' AS state, payload->>'rev' AS rev, payload->'d'->>'from' AS sender, payload->'d'->>'message' AS message FROM creator_events ORDER BY seq`;
const STREAMS = `
SELECT s.creator_id, s.head, s.published, s.screens, (SELECT alert_after FROM creators c WHERE c.id = s.creator_id) AS alert_after, ARRAY(SELECT '0x' || encode(w.address, 'hex') FROM creator_wallets w WHERE w.creator_id = s.creator_id) AS wallets
FROM creator_streams s`;

export async function readTips(url: string): Promise<LedgerTip[]> {
  const rows = await sql(url, TIPS);
  return rows.map((row) => ({
    id: String(row['id']),
    chainId: Number(row['chain_id']),
    wallet: String(row['wallet']),
    sender: String(row['sender']),
    token: String(row['token']),
    amount: BigInt(String(row['amount'])),
    message: String(row['message']),
    ref: String(row['ref']),
    state: String(row['state']),
    rev: Number(row['rev']),
    blockNumber: Number(row['block_number']),
    blockHash: String(row['block_hash']),
    logIndex: Number(row['log_index']),
  }));
}

export async function readStreams(url: string): Promise<LedgerStream[]> {
  const [streams, events] = [await sql(url, STREAMS), await sql(url, EVENTS)];
  return streams.map((stream) => ({
    creatorId: String(stream['creator_id']),
    head: Number(stream['head']),
    published: Number(stream['published']),
    alertAfter: Number(stream['alert_after']),
    screens: stream['screens'] === true,
    wallets: Array.isArray(stream['wallets']) ? stream['wallets'].map(String) : [],
    events: events
      .filter((event) => event['creator_id'] === stream['creator_id'])
      .map((event) => ({
        seq: Number(event['seq']),
        type: String(event['type']),
        id: String(event['id']),
        state: String(event['state']),
        rev: Number(event['rev']),
        sender: String(event['sender']),
        message: String(event['message']),
      })),
  }));
}

/** Canonical blocks of a chain, newest first. */
export async function readWindow(url: string, chainId: number): Promise<LedgerBlock[]> {
  const rows = await sql(
    url,
    `SELECT number, '0x' || encode(hash, 'hex') AS hash, '0x' || encode(parent_hash, 'hex') AS parent FROM chain_blocks
     WHERE chain_id = $1 AND canonical ORDER BY number DESC`,
    [chainId],
  );
  return rows.map((row) => ({ number: Number(row['number']), hash: String(row['hash']), parentHash: String(row['parent']) }));
}

export async function countQuarantined(url: string): Promise<number> {
  const [row] = await sql(url, 'SELECT count(*) AS n FROM quarantined_logs');
  return Number(row?.['n']);
}
