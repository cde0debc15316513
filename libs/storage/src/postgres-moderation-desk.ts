import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  AlertSettled,
  backoffMs,
  Clock,
  isScreening,
  ModerationDesk,
  NotFound,
  PreconditionFailed,
  StorageUnavailable,
  TIP_TTL_MS,
  tipId,
  type AlertPage,
  type AlertQuery,
  type AlertQueue,
  type ExpectedVersion,
  type ModeratedTip,
  type ModerationDocument,
  type ModerationRules,
  type TipDisplay,
  type TipKey,
  type Verdict,
} from '@droppio/tips';
import * as z from 'zod';
import { readAlerts } from './alert-pages.js';
import { hexToBytes } from './columns.js';
import { Database, type SqlValue } from './database.js';
import { isId } from './event-log.js';
import { moderatedTip } from './moderated-tip.js';
import { COMMAND, HIDE_MESSAGE, QUEUE, REJECT, REPLAY, SET_RULES } from './moderation-statements.js';
import { SET_QUEUE } from './queue-statements.js';
import { Screener, ScreenedRow, type Bench } from './screener.js';
import { ONE_TIP } from './screening-statements.js';

const INT8_MAX = 9_223_372_036_854_775_807n;
const INT4_MAX = 2_147_483_647;
/** Tries at a tip that a commit has in hand, or at rules that change at the same moment. */
const PATIENCE = 8;

const Version = z.object({ version: z.number() });
const Queue = z.object({ paused: z.boolean(), muted: z.boolean() });
const Event = z.object({ id: z.string() });

/** Moderation on Postgres. What it tells of goes the screener's way, so that nothing is told by rules that no longer hold. */
@Injectable()
export class PostgresModerationDesk extends ModerationDesk {
  private readonly screener: Screener;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {
    super();
    this.screener = new Screener(database, clock);
  }

  override async rules(creatorId: string): Promise<ModerationDocument> {
    return this.benchOf(creatorId);
  }

  override async setRules(creatorId: string, expected: ExpectedVersion, rules: ModerationRules): Promise<ModerationDocument> {
    if (!isId(creatorId)) throw noCreator();
    const versions = expected === 'any' ? null : expected.map(String);
    const values = [creatorId, versions, JSON.stringify(rules), isScreening(rules)];
    const [set] = await this.database.rows(Version, SET_RULES, values);
    if (set !== undefined) return { version: set.version, rules };
    const { version } = await this.rules(creatorId);
    throw new PreconditionFailed('The rules were changed meanwhile.', { context: { version } });
  }

  override alerts(query: AlertQuery): Promise<AlertPage> {
    return readAlerts(this.database, query);
  }

  override approve(creatorId: string, key: TipKey): Promise<ModeratedTip> {
    return this.decide(creatorId, key, 'shown', async (tip, bench) => {
      const { display } = this.screener.verdictOn(tip, bench, true);
      const verdict = { screening: 'shown', reason: 'person', display } as const;
      return (await this.screener.apply(creatorId, bench.version, 'held', [{ tip, verdict }])).judged > 0;
    });
  }

  override reject(creatorId: string, key: TipKey): Promise<ModeratedTip> {
    return this.decide(creatorId, key, 'rejected', async () => {
      await this.database.run(REJECT, [creatorId, ...keyValues(key)]);
      return false;
    });
  }

  override async hideMessage(creatorId: string, key: TipKey): Promise<ModeratedTip> {
    return this.insist(async () => {
      const tip = await this.tipOf(creatorId, key);
      if (!tip.told || isGone(tip)) throw settled(tip);
      if (isMessageHidden(tip)) return moderatedTip(tip);
      await this.database.run(HIDE_MESSAGE, [creatorId, ...keyValues(key), this.clock.now()]);
      const after = await this.tipOf(creatorId, key);
      return isMessageHidden(after) ? moderatedTip(after) : undefined;
    });
  }

  override async replay(creatorId: string, key: TipKey): Promise<string> {
    const id = randomUUID();
    return this.insist(async () => {
      const [tip, bench] = await Promise.all([this.tipOf(creatorId, key), this.benchOf(creatorId)]);
      if (!tip.told || isGone(tip)) throw settled(tip);
      const display = replayed(tip, this.screener.verdictOn(tip, bench));
      const again = JSON.stringify({ ...display, replayOf: tipId(key) });
      const values = [creatorId, id, this.clock.now(), TIP_TTL_MS, again, bench.version, ...keyValues(key), tip.rev, tip.erased];
      const [told] = await this.database.rows(Event, REPLAY, values);
      return told?.id;
    });
  }

  override async queue(creatorId: string): Promise<AlertQueue> {
    const [queue] = isId(creatorId) ? await this.database.rows(Queue, QUEUE, [creatorId]) : [];
    if (queue === undefined) throw noCreator();
    return queue;
  }

  override async setQueue(creatorId: string, { paused, muted }: AlertQueue): Promise<AlertQueue> {
    const values = [creatorId, paused, muted, this.clock.now(), TIP_TTL_MS];
    const [queue] = isId(creatorId) ? await this.database.rows(Queue, SET_QUEUE, values) : [];
    if (queue === undefined) throw noCreator();
    return queue;
  }

  override async command(creatorId: string, action: 'skip' | 'clear'): Promise<string> {
    const values = [creatorId, randomUUID(), this.clock.now(), TIP_TTL_MS, action];
    const [told] = isId(creatorId) ? await this.database.rows(Event, COMMAND, values) : [];
    if (told === undefined) throw noCreator();
    return told.id;
  }

  /** `act` until the tip is what was wanted; it may fail for the moment. */
  private decide(
    creatorId: string,
    key: TipKey,
    wanted: 'shown' | 'rejected',
    act: (tip: ScreenedRow, bench: Bench) => Promise<boolean>,
  ): Promise<ModeratedTip> {
    return this.insist(async () => {
      const tip = await this.tipOf(creatorId, key);
      const { screening } = moderatedTip(tip);
      if (screening === wanted) return moderatedTip(tip);
      if (screening !== 'held' || isGone(tip)) throw settled(tip);
      await act(tip, await this.benchOf(creatorId));
      const after = moderatedTip(await this.tipOf(creatorId, key));
      return after.screening === wanted ? after : undefined;
    });
  }

  private async insist<T>(work: () => Promise<T | undefined>): Promise<T> {
    for (let attempt = 1; attempt <= PATIENCE; attempt += 1) {
      const done = await work();
      if (done !== undefined) return done;
      await this.clock.sleep(backoffMs(attempt, { baseMs: 5, capMs: 200 }));
    }
    throw new StorageUnavailable('The tip is being changed all the time.');
  }

  private async benchOf(creatorId: string): Promise<Bench> {
    const bench = isId(creatorId) ? await this.screener.benchOf(creatorId) : undefined;
    if (bench === undefined) throw noCreator();
    return bench;
  }

  private async tipOf(creatorId: string, key: TipKey): Promise<ScreenedRow> {
    const isThinkable = isId(creatorId) && BigInt(key.chainId) <= INT8_MAX && key.ordinal <= INT4_MAX;
    const [tip] = isThinkable ? await this.database.rows(ScreenedRow, ONE_TIP, [creatorId, ...keyValues(key)]) : [];
    if (tip === undefined) throw new NotFound('There is no such alert.');
    return tip;
  }
}

const noCreator = (): NotFound => new NotFound('There is no such creator.');

function keyValues({ chainId, txHash, ordinal }: TipKey): SqlValue[] {
  return [chainId, hexToBytes(txHash), ordinal];
}

const isGone = ({ state }: ScreenedRow): boolean => state === 'orphaned' || state === 'lost' || state === 'dropped';

const isMessageHidden = ({ screening_reason: reason }: ScreenedRow): boolean => reason === 'message-hidden';

/** What the rules of now would keep back plays without its message, unless they would ask a person, and one has let it through. */
function replayed(tip: ScreenedRow, verdict: Verdict): TipDisplay {
  const isApproved = verdict.screening === 'held' && tip.screening === 'shown' && tip.screening_reason === 'person';
  return !isMessageHidden(tip) && (verdict.screening === 'shown' || isApproved) ? verdict.display : { ...verdict.display, message: '' };
}

function settled(tip: ScreenedRow): AlertSettled {
  const { screening } = moderatedTip(tip);
  return new AlertSettled(isGone(tip) ? `The tip has left its chain (${tip.state}).` : `The tip is ${screening}.`, {
    context: { screening, state: tip.state },
  });
}
