import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { errorFields, StartupFault } from '@droppio/platform';
import { backoffMs } from '@droppio/tips';
import type { Client } from 'pg';
import * as z from 'zod';
import { storageError } from '../storage-errors.js';
import { begin, hangUp, loneClient, type LoneSession } from './lone-session.js';

/** First halves of our keys: who is here, and with which keys. */
const [HERE, KEYS] = [7205, 7206];
const KINDS = { alone: 1, postgres: 2, redis: 3 } as const;
const LIVE_MS = 10_000;
const RECONNECT = { baseMs: 500, capMs: 10_000 };
const Holders = z.array(z.object({ pid: z.number(), room: z.coerce.number(), what: z.coerce.number() }));
/** Of this database, by whomever but us. Both halves of a key are unsigned there. */
const HOLDERS = `
SELECT pid, classid::bigint AS room, objid::bigint AS what FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND classid IN (${String(HERE)}, ${String(KEYS)}) AND pid <> pg_backend_pid()
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
/** Asked on the connection itself: another session behind it has no locks. */
const MINE = `
SELECT count(*)::int AS held FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND classid = ${String(HERE)} AND pid = pg_backend_pid()`;
const Mine = z.tuple([z.object({ held: z.number() })]);

export interface ClaimPlan {
  /** A direct connection: a lock lives and dies with it. */
  readonly url: string;
  /** What carries events to others on this database; `alone`: nothing does, so there may be no others. */
  readonly kind: keyof typeof KINDS;
  /** Why it must be alone, for the sentence. */
  readonly why?: string;
  /** What signs overlay URLs: processes on one database must have a key in common. */
  readonly tokenKeys: readonly { readonly id: number; readonly secret: Uint8Array }[];
}

/**
 * Says at a start that this process and another on the same database would not understand each other, instead of letting overlays wait for tips
 * that never come. Holds advisory locks on one connection while the process lives.
 */
export class BrokerClaim {
  private readonly log = new Logger('storage');
  private readonly closing = new AbortController();
  private client: Client | undefined;
  private over = new AbortController();
  private life: Promise<void> = Promise.resolve();
  private readonly session: LoneSession;

  private constructor(
    private readonly plan: ClaimPlan,
    private readonly liveMs: number,
  ) {
    this.session = { url: plan.url, name: 'droppio-claim' };
  }

  /** Throws `StartupFault` with a sentence. `liveMs`: how often it makes sure that it still holds its locks. */
  static async take(plan: ClaimPlan, { liveMs = LIVE_MS } = {}): Promise<BrokerClaim> {
    const claim = new BrokerClaim(plan, liveMs);
    const client = await claim.connect().catch((error: unknown) => {
      throw new StartupFault(`Postgres at ${new URL(plan.url).host} cannot be asked who else is there: ${messageOf(error)}.`, {
        cause: error,
      });
    });
    const fault = await claim.fault(client);
    if (fault !== undefined) {
      await hangUp(client);
      throw new StartupFault(fault);
    }
    claim.life = claim.keep(client);
    return claim;
  }

  async close(): Promise<void> {
    this.closing.abort();
    await hangUp(this.client);
    await this.life;
  }

  private isClosing(): boolean {
    return this.closing.signal.aborted;
  }

  private async connect(): Promise<Client> {
    const client = loneClient(this.session);
    const over = new AbortController();
    client.once('end', () => {
      over.abort();
    });
    try {
      await begin(client, this.session);
      const { kind, tokenKeys } = this.plan;
      for (const key of tokenKeys) await client.query('SELECT pg_advisory_lock_shared($1::int, $2::int)', [KEYS, fingerprint(key)]);
      // Noted first and looked around second: of two that start at once, at least one sees the other. Keys before presence: who is seen to be
      // here has all of his keys noted already.
      await client.query('SELECT pg_advisory_lock_shared($1::int, $2::int)', [HERE, KINDS[kind]]);
      [this.client, this.over] = [client, over];
      return client;
    } catch (error) {
      await hangUp(client);
      throw error;
    }
  }

  /** Why this process should not be here. */
  private async fault(client: Client): Promise<string | undefined> {
    const { kind, why = '', tokenKeys } = this.plan;
    const holders = Holders.parse((await client.query(HOLDERS)).rows);
    const kinds = new Set(holders.filter(({ room }) => room === HERE).map(({ what }) => what));
    if (kinds.size === 0) return undefined;
    if (kind === 'alone') return `Another standalone uses this database, and this one would not hear of its tips: ${why}`;
    if (kinds.has(KINDS.alone)) {
      return 'Another standalone uses this database by itself (BROKER=memory, or without CHAINS) and would not hear of the tips of this one. Stop it, or start it as this one is.';
    }
    if ([...kinds].some((other) => other !== KINDS[kind])) {
      return `Another standalone uses this database and carries its events by ${kind === 'redis' ? 'Postgres' : 'Redis'}: give all of them the same BROKER and the same REDIS_URL.`;
    }
    const mine = new Set(tokenKeys.map((key) => fingerprint(key) >>> 0));
    const here = new Set(holders.filter(({ room }) => room === HERE).map(({ pid }) => pid));
    const strangers = [...here].filter((pid) => !holders.some((held) => held.pid === pid && held.room === KEYS && mine.has(held.what)));
    if (strangers.length === 0) return undefined;
    return 'Another standalone uses this database and signs overlay URLs with other keys, so that each would refuse the other’s. Set OVERLAY_TOKEN_KEYS (and ADMIN_TOKEN) to the same for all of them, or give those on one machine the same DATA_DIR.';
  }

  /** The locks fell with the connection: they are taken again, and whoever came meanwhile is worth a word to a person. */
  private async keep(first: Client): Promise<void> {
    const { signal } = this.closing;
    for (let client: Client | undefined = first, failures = 0; !signal.aborted;) {
      if (client !== undefined) {
        failures = 0;
        await this.watch(client);
        if (this.isClosing()) return;
        await hangUp(client);
      }
      await sleep(RECONNECT.baseMs + backoffMs(failures, RECONNECT), undefined, { signal }).catch(() => undefined);
      if (this.isClosing()) return;
      failures += 1;
      client = await this.connect().catch((error: unknown) => {
        this.log.debug('claim.lost', errorFields(storageError(error)));
        return undefined;
      });
      const fault = client && (await this.fault(client).catch(() => undefined));
      if (fault !== undefined) this.log.error('claim.not-alone', { reason: fault });
    }
  }

  /** Until the locks are gone, or nobody can say that they are there. */
  private async watch(client: Client): Promise<void> {
    const life = AbortSignal.any([this.over.signal, this.closing.signal]);
    for (;;) {
      await sleep(this.liveMs * (0.9 + Math.random() * 0.2), undefined, { signal: life }).catch(() => undefined);
      if (life.aborted || !(await holds(client))) return;
    }
  }
}

async function holds(client: Client): Promise<boolean> {
  try {
    const [{ held }] = Mine.parse((await client.query(MINE)).rows);
    return held > 0;
  } catch {
    return false;
  }
}

/** 32 bits of a hash: enough to tell keys apart, of no use to whoever wants one. */
function fingerprint({ id, secret }: { readonly id: number; readonly secret: Uint8Array }): number {
  return createHash('sha256').update('droppio key fingerprint').update(String(id)).update(secret).digest().readInt32BE(0);
}

function messageOf(error: unknown): string {
  return error instanceof Error && error.message !== '' ? error.message : 'no answer';
}
