import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import {
  BrokerUnavailable,
  type AppendOutcome,
  type CreatorEvent,
  type FeedPosition,
  type FeedSnapshot,
  type OverlayGrant,
} from '@droppio/tips';
import * as z from 'zod';
import type { Database, Sql } from '../database.js';
import { isId } from '../event-log.js';
import { isQueueFull } from '../storage-errors.js';
import { StoredGrant } from '../stored-event.js';
import {
  APPEND,
  APPEND_UNTOLD,
  Appended,
  CreatorPosition,
  END,
  FEED_KEEPS,
  FORGET_GRANTS,
  GIVE_GRANTS,
  GRANT,
  Page,
  PAGE,
  POSITION,
  Position,
  POSITIONS,
  RESTORE,
  Rewritten,
  TELL_REWRITTEN,
  USE,
} from './feed-statements.js';
import { inTime } from './in-time.js';

/** Times that somebody else was quicker by one event. */
const TRIES = 20;
/** So long nothing is told once Postgres took no more words. */
const MUTE_MS = 5000;

const OVER = 'SELECT ended IS NOT DISTINCT FROM $2 AS is_over FROM feed_streams WHERE creator_id = $1::uuid';
const Over = z.object({ is_over: z.boolean() });
const Grant = z.object({ payload: StoredGrant.loose().nullable() });

export interface FoundPosition {
  readonly generation: string;
  readonly seq: number;
  /** It is to be noted as used. */
  readonly rests: boolean;
}

export interface StoredPage {
  readonly position: FeedPosition;
  readonly generation: string;
  readonly events: readonly CreatorEvent[];
  readonly complete: boolean;
}

/** The statements of a feed in Postgres. Every call is over in time, with an answer or with `BrokerUnavailable`. */
export class FeedStore {
  private readonly log = new Logger('storage');
  private muteUntil = 0;

  constructor(private readonly database: Database) {}

  async position(creatorId: string): Promise<(FeedPosition & { readonly generation: string }) | undefined> {
    if (!isId(creatorId)) return undefined;
    const [found] = await inTime('position', this.database.rows(Position, POSITION, [creatorId]));
    return found && { epoch: found.epoch, seq: found.head, generation: found.generation };
  }

  async positions(creatorIds: readonly string[]): Promise<ReadonlyMap<string, FoundPosition>> {
    const rows = await inTime('positions', this.database.rows(CreatorPosition, POSITIONS, [creatorIds.filter(isId)]));
    return new Map(rows.map(({ creator_id, generation, head, rests }) => [creator_id, { generation, seq: head, rests }]));
  }

  /** What is looked at is not forgotten, though nothing happens to it. */
  use(creatorIds: readonly string[]): Promise<void> {
    return inTime('use', this.database.run(USE, [creatorIds.filter(isId)]));
  }

  async page(creatorId: string, seq: number, limit = FEED_KEEPS): Promise<StoredPage | undefined> {
    if (!isId(creatorId)) return undefined;
    const [found] = await inTime('page', this.database.rows(Page, PAGE, [creatorId, seq, limit]));
    if (found === undefined) return undefined;
    const position = { epoch: found.epoch, seq: found.head };
    // Retention and erasure take rows without asking a feed.
    const isWhole = seq >= found.head || found.events[0]?.seq === seq + 1 || limit === 0;
    const complete = seq >= found.tail && isWhole && found.events.every((event, nth) => event.seq === seq + 1 + nth);
    return { position, generation: found.generation, events: complete ? found.events.map((event) => marked(event, found)) : [], complete };
  }

  async grant(creatorId: string, overlayId: string): Promise<OverlayGrant | 'unknown' | undefined> {
    if (!isId(creatorId)) return 'unknown';
    if (!isId(overlayId)) return undefined;
    const [found] = await inTime('grant', this.database.rows(Grant, GRANT, [creatorId, overlayId]));
    return found === undefined ? 'unknown' : (found.payload ?? undefined);
  }

  /** Events of one epoch that follow each other. */
  async append(creatorId: string, epoch: string, events: readonly CreatorEvent[]): Promise<readonly AppendOutcome[]> {
    if (!isId(creatorId)) return events.map(() => ({ kind: 'missing' }));
    const outcomes: AppendOutcome[] = [];
    for (let tries = 0; outcomes.length < events.length; tries += 1) {
      if (tries === TRIES) throw new BrokerUnavailable('Others were quicker each time.');
      const rest = events.slice(outcomes.length);
      const outcome = await this.appendOnce(creatorId, epoch, rest);
      if (outcome === 'raced') continue;
      if (outcome.kind !== 'duplicate') outcomes.push(...rest.map(() => outcome));
      else outcomes.push(...rest.filter(({ seq }) => seq <= outcome.head).map(() => outcome));
    }
    return outcomes;
  }

  restore(creatorId: string, snapshot: FeedSnapshot): Promise<'restored' | 'behind' | 'ended'> {
    const { epoch, seq } = snapshot.position;
    const tail = (snapshot.events[0]?.seq ?? seq + 1) - 1;
    return this.rewrite(creatorId, RESTORE, [creatorId, epoch, seq, tail], snapshot.grants);
  }

  async end(creatorId: string, { epoch, seq }: FeedPosition): Promise<void> {
    await this.rewrite(creatorId, END, [creatorId, epoch, seq], []);
  }

  ping(): Promise<void> {
    return inTime('ping', this.database.ping());
  }

  private async appendOnce(creatorId: string, epoch: string, events: readonly CreatorEvent[]): Promise<AppendOutcome | 'raced'> {
    const [first, last] = [events[0], events.at(-1)];
    if (first === undefined || last === undefined) throw new TypeError('there is nothing to append');
    const grants = new Map(events.flatMap((event) => (event.type === 'config' ? [[event.d.overlayId, event.d]] : [])));
    const pubs = events.map(({ at }) => (at.pub === undefined ? null : String(at.pub)));
    const traces = events.map(({ trace }) => trace ?? null);
    const values = [creatorId, epoch, first.seq, last.seq, pubs, traces, JSON.stringify([...grants.values()])];
    const append = (isTold: boolean) => this.database.rows(Appended, isTold ? APPEND : APPEND_UNTOLD, values);
    const [found] = await inTime('append', this.telling(append));
    if (found?.moved === 1) return { kind: 'appended' };
    if (found === undefined || found.head === null || found.epoch !== epoch) return { kind: 'missing' };
    const { head } = found;
    if (head >= first.seq) return { kind: 'duplicate', head };
    return head === first.seq - 1 ? 'raced' : { kind: 'gap', head };
  }

  private rewrite(
    creatorId: string,
    statement: string,
    values: readonly (string | number)[],
    grants: readonly OverlayGrant[],
  ): Promise<'restored' | 'behind' | 'ended'> {
    if (!isId(creatorId)) return Promise.resolve('behind');
    const work = async (sql: Sql, isTold: boolean): Promise<'restored' | 'behind' | 'ended'> => {
      const rows = await sql.rows(Rewritten, statement, values);
      if (rows.length === 0) {
        const [stream] = await sql.rows(Over, OVER, values.slice(0, 2));
        return stream?.is_over === true ? 'ended' : 'behind';
      }
      await sql.run(FORGET_GRANTS, [creatorId]);
      if (grants.length > 0) await sql.run(GIVE_GRANTS, [creatorId, JSON.stringify(grants)]);
      if (isTold) await sql.run(TELL_REWRITTEN, [creatorId]);
      return 'restored';
    };
    const rewrite = (isTold: boolean) => this.database.transaction((sql) => work(sql, isTold));
    return inTime('rewrite', this.telling(rewrite));
  }

  /**
   * A word makes it quicker, and no more: it is in the same transaction as what it tells of, and where Postgres takes none, all would be undone.
   * What was not told is found by asking.
   */
  private async telling<T>(work: (isTold: boolean) => Promise<T>): Promise<T> {
    if (performance.now() < this.muteUntil) return work(false);
    try {
      return await work(true);
    } catch (error) {
      if (!isQueueFull(error)) throw error;
      this.muteUntil = performance.now() + MUTE_MS;
      this.log.warn('feed.untold', errorFields(error));
      return work(false);
    }
  }
}

/** With what the ledger does not know of it: the relay's clock and trace. */
function marked(event: CreatorEvent, { head, pubs, traces }: Page): CreatorEvent {
  const fromEnd = head - event.seq + 1;
  const [pub, trace] = [pubs.at(-fromEnd), traces.at(-fromEnd)];
  return {
    ...event,
    ...(typeof pub === 'number' && { at: { ...event.at, pub } }),
    ...(typeof trace === 'string' && { trace }),
  };
}
