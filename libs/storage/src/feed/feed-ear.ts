import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { errorFields, StartupFault } from '@droppio/platform';
import { backoffMs, within } from '@droppio/tips';
import type { Client } from 'pg';
import * as z from 'zod';
import type { Database } from '../database.js';
import { isQueueFull, storageError } from '../storage-errors.js';
import type { FeedStoreMetrics, ListeningGauge } from './feed-metrics.js';
import { FEED_CHANNEL } from './feed-statements.js';
import { begin, hangUp, loneClient, type LoneSession } from './lone-session.js';

const [HEARD_MS, LIVE_MS, PROVE_MS] = [2000, 5000, 60_000];
const RECONNECT = { baseMs: 200, capMs: 5000 };
/** Answered by the session that listens, so it says two things. */
const QUEUE = 'SELECT pg_notification_queue_usage() AS usage';
const Queue = z.tuple([z.object({ usage: z.number() })]);
/** A word of one's own, told through the pool and heard on the other connection. */
const TEST_WORD = 'test ';

/** It is connected, and yet hears nothing. */
class Deaf extends Error {}

export interface EarListener {
  heard(payload: string): void;
  /** It hears from now on; what was told before may have been missed. */
  opened(): void;
}

export interface EarOptions {
  /** A direct connection: behind a pooler in transaction mode nobody is told anything. */
  readonly url: string;
  /** How often it makes sure that the other side is there. Default 5000. */
  readonly liveMs?: number;
  /** How often it makes sure that it is still told what is told. Default 60000. */
  readonly proveMs?: number;
  /** How long the server waits for a process that takes nothing in. Default 15000. */
  readonly deadMs?: number;
}

/**
 * One connection that LISTENs, made anew with back-off for as long as the process lives. It proves that it hears, at first and from time to time:
 * LISTEN is accepted by poolers, too, that then tell nobody, and by any other database; and behind a proxy a connection may get a session that
 * knows of no LISTEN.
 */
export class FeedEar {
  private readonly log = new Logger('storage');
  private readonly closing = new AbortController();
  private life: Promise<void> = Promise.resolve();
  private client: Client | undefined;
  private test: { readonly word: string; heard(): void } | undefined;
  private hears = false;
  private isDoubtful = false;
  private readonly session: LoneSession;

  constructor(
    private readonly options: EarOptions,
    private readonly database: Database,
    private readonly metrics: { readonly feed: FeedStoreMetrics; readonly gauge: ListeningGauge },
    private readonly listener: EarListener,
  ) {
    this.session = { url: options.url, name: 'droppio-feed', deadMs: options.deadMs };
  }

  get isOpen(): boolean {
    return this.hears;
  }

  /** Something was not told that should have been: it proves itself soon. */
  doubt(): void {
    this.isDoubtful = true;
  }

  /**
   * Resolves when it hears, or when nobody can be told anything for now. Throws `StartupFault` with a sentence when it cannot, which at a start is
   * a setting's fault.
   */
  async start(patienceMs = 10_000): Promise<void> {
    const giveUpAt = Date.now() + patienceMs;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const client = await this.connect();
        this.life = this.live(client);
        return;
      } catch (error) {
        if (isQueueFull(error)) {
          this.log.warn('feed.deaf', errorFields(error));
          this.life = this.live(undefined);
          return;
        }
        const pauseMs = RECONNECT.baseMs + backoffMs(attempt, RECONNECT);
        if (error instanceof Deaf || Date.now() + pauseMs > giveUpAt)
          throw new StartupFault(sentence(this.options.url, error), { cause: error });
        await sleep(pauseMs);
      }
    }
  }

  async close(): Promise<void> {
    this.closing.abort();
    await hangUp(this.client);
    await this.life;
  }

  /** From one connection to the next. */
  private async live(first: Client | undefined): Promise<void> {
    const { signal } = this.closing;
    for (let client = first, failures = 0; !signal.aborted;) {
      if (client !== undefined) {
        failures = 0;
        const reason = await this.watch(client);
        this.turn(false);
        await hangUp(client);
        if (this.isClosing()) return;
        this.metrics.feed.interrupted();
        this.log.warn('feed.deaf', { reason });
      }
      await sleep(RECONNECT.baseMs / 2 + backoffMs(failures, RECONNECT), undefined, { signal }).catch(() => undefined);
      if (this.isClosing()) return;
      failures += 1;
      client = await this.connect().catch((error: unknown) => {
        this.log.warn('feed.still-deaf', errorFields(error instanceof Deaf ? error : storageError(error)));
        return undefined;
      });
    }
  }

  private isClosing(): boolean {
    return this.closing.signal.aborted;
  }

  private async connect(): Promise<Client> {
    const client = loneClient(this.session);
    client.on('notification', ({ payload = '' }) => {
      if (payload === this.test?.word) this.test.heard();
      else if (!payload.startsWith(TEST_WORD)) this.listener.heard(payload);
    });
    try {
      await begin(client, this.session);
      await client.query(`LISTEN ${FEED_CHANNEL}`);
      await this.proveHearing();
    } catch (error) {
      await hangUp(client);
      throw error;
    }
    this.client = client;
    this.isDoubtful = false;
    this.turn(true);
    this.listener.opened();
    return client;
  }

  private async proveHearing(): Promise<void> {
    const word = TEST_WORD + randomUUID();
    const heard = new Promise<void>((resolve) => (this.test = { word, heard: resolve }));
    try {
      await this.database.run('SELECT pg_notify($1, $2)', [FEED_CHANNEL, word]);
      await within(HEARD_MS, 'a word of our own', heard).catch(() => {
        throw new Deaf('it is told nothing');
      });
    } finally {
      this.test = undefined;
    }
  }

  /** Until it is no longer sure that everything is heard on it; says why. */
  private async watch(client: Client): Promise<string> {
    const over = new AbortController();
    client.once('end', () => {
      over.abort();
    });
    const { liveMs = LIVE_MS, proveMs = PROVE_MS } = this.options;
    const life = AbortSignal.any([over.signal, this.closing.signal]);
    for (let provenAt = performance.now(); ;) {
      await sleep(liveMs * (0.9 + Math.random() * 0.2), undefined, { signal: life }).catch(() => undefined);
      if (life.aborted) return 'the connection that listens has ended';
      if (!(await this.answers(client))) return 'nobody answers on the connection that listens';
      if (!this.isDoubtful && performance.now() - provenAt < proveMs) continue;
      this.isDoubtful = false;
      if (!(await this.stillHears())) return 'the connection that listens is told nothing';
      provenAt = performance.now();
    }
  }

  private async stillHears(): Promise<boolean> {
    try {
      await this.proveHearing();
      return true;
    } catch (error) {
      // Where a word could not be told for another reason, none was missed.
      return !(error instanceof Deaf || isQueueFull(error));
    }
  }

  private async answers(client: Client): Promise<boolean> {
    try {
      const [{ usage }] = Queue.parse((await client.query(QUEUE)).rows);
      this.metrics.gauge.queue(usage);
      return true;
    } catch {
      return false;
    }
  }

  private turn(hears: boolean): void {
    this.hears = hears;
    this.metrics.gauge.set(hears);
  }
}

function sentence(url: string, error: unknown): string {
  const { host, pathname } = new URL(url);
  if (error instanceof Deaf) {
    return (
      `Postgres at ${host}${pathname} takes a LISTEN and then tells nothing: a pooler in transaction mode stands in between, or it is not the ` +
      'database of DATABASE_URL. Set DATABASE_LISTEN_URL to a direct connection to that database.'
    );
  }
  const why = error instanceof Error && error.message !== '' ? error.message : 'no answer';
  return `Postgres at ${host}${pathname} cannot be listened to: ${why}. Check DATABASE_LISTEN_URL, or DATABASE_URL where that is not set.`;
}
