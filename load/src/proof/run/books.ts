import { Redis } from 'ioredis';
import * as z from 'zod';
import type { EventRow, StreamRow, TipRow, TotalRow } from '../checker/history.js';
import type { ProofHouse } from '../house/proof-house.js';
import type { Audience } from '../load/audience.js';

const text = z.coerce.string();
const Tip = z.object({
  id: text,
  wallet: text,
  from: text,
  token: text,
  amount: text,
  message: text,
  state: text,
  blockHash: text,
  logIndex: z.coerce.number(),
});
const Event = z.object({ creatorId: text, seq: z.coerce.number(), type: text, id: text });
const Stream = z.object({ creatorId: text, epoch: text, head: z.coerce.number(), published: z.coerce.number() });
const Summary = z.object({ tokens: z.array(z.object({ raw: z.string(), tips: z.int() })) });

const TIPS = `SELECT chain_id || '-0x' || encode(tx_hash, 'hex') || '-' || ordinal AS id, '0x' || encode(wallet, 'hex') AS wallet, '0x' || encode(sender, 'hex') AS "from",
  '0x' || encode(token, 'hex') AS token, amount::text AS amount, message, state, '0x' || encode(block_hash, 'hex') AS "blockHash", log_index AS "logIndex" FROM tips`;
const EVENTS = `SELECT creator_id AS "creatorId", seq, type, coalesce(payload->>'id', '') AS id FROM creator_events ORDER BY creator_id, seq`;
const STREAMS = `SELECT creator_id AS "creatorId", epoch, head, published FROM creator_streams`;

export const readTips = async (house: ProofHouse): Promise<TipRow[]> => z.array(Tip).parse(await house.rows(TIPS));
export const readEvents = async (house: ProofHouse): Promise<EventRow[]> => z.array(Event).parse(await house.rows(EVENTS));
export const readStreams = async (house: ProofHouse): Promise<StreamRow[]> => z.array(Stream).parse(await house.rows(STREAMS));

/** What creators are told that they were tipped in all; one after the other, so that a single line is enough. */
export async function readTotals({ client, creators }: Audience): Promise<TotalRow[]> {
  const rows: TotalRow[] = [];
  for (const { id, accessToken } of creators) {
    const { tokens } = Summary.parse(await client.call('GET', '/v1/stats/summary', accessToken));
    const [coin] = tokens;
    rows.push({ creatorId: id, tips: coin?.tips ?? 0, amount: coin?.raw ?? '0' });
  }
  return rows;
}

/** Jobs that nobody will work any more, or has not yet. */
export async function readQueues(port: number): Promise<string[]> {
  const redis = new Redis(port, '127.0.0.1');
  redis.on('error', () => undefined);
  try {
    const keys = await redis.keys('{droppio}:*');
    const lists = keys.filter((key) => /:(?:wait|active|paused)$/.test(key));
    const sets = keys.filter((key) => /:(?:failed|prioritized|delayed)$/.test(key));
    const sizes = [
      ...(await Promise.all(lists.map(async (key) => [key, await redis.llen(key)] as const))),
      ...(await Promise.all(sets.map(async (key) => [key, await redis.zcard(key)] as const))),
    ];
    return sizes.filter(([, size]) => size > 0).map(([key, size]) => `${key} has ${String(size)} jobs`);
  } finally {
    redis.disconnect();
  }
}
