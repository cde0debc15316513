import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import type { BlockHeader, Clock } from '@droppio/tips';
import { BlockPace } from './block-pace.js';
import { BlockVisibility } from './block-visibility.js';
import { HeadMerge } from './head-merge.js';
import type { HeadMetrics } from './head-metrics.js';
import { HeadSocket } from './head-socket.js';
import type { SocketTarget } from './node-socket.js';

/** One endpoint that can be asked for its head. */
export interface PolledEndpoint {
  readonly name: string;
  head(): Promise<BlockHeader>;
}

/** Like the port's listener, and told by whom. */
export type SourcedHeadListener = (head: BlockHeader, receivedAtMs: number, endpoint: string) => void;

export interface HeadSources {
  readonly chainId: number;
  readonly polled: readonly PolledEndpoint[];
  readonly sockets: readonly SocketTarget[];
  /** Fixed interval of polls while no socket is healthy. */
  readonly pollMs?: number | undefined;
  /** `false`: in doubt, so its heads count for nothing until it is heard again. */
  readonly isHeard?: (name: string) => boolean;
}

const LEAST_POLL_MS = 200;
const SLOWEST_POLL_MS = 4000;
/** A socket that has told of nothing new for this many block times, and half a second, while a poll has, is open and useless. */
const STALE_BLOCKS = 1.5;
const STALE_MS = 500;

/** Hears of heads by every road there is: pushes are quick and may stop without a word, polls always run. Merged by hash. */
export class HeadWatch {
  private readonly logger = new Logger('chain');
  private readonly merge = new HeadMerge();
  private readonly pace = new BlockPace();
  private readonly visibility = new BlockVisibility();
  private readonly judging = new Set<HeadSocket>();
  private readonly sockets: readonly HeadSocket[];
  /** Raised by everything that may have left a gap: polls that began before it are repeated at once. */
  private gaps = 0;
  private readonly sleepers = new Set<AbortController>();

  constructor(
    private readonly sources: HeadSources,
    private readonly listener: SourcedHeadListener,
    private readonly clock: Clock,
    private readonly metrics: HeadMetrics,
  ) {
    this.sockets = sources.sockets.map((target) => {
      const head = (block: BlockHeader, receivedAtMs: number): void => {
        this.hear(block, target.name, 'push', receivedAtMs);
      };
      // Heads between the last connection and this one were told to nobody.
      const subscribed = (): void => {
        this.gaps += 1;
        for (const sleeper of this.sleepers) sleeper.abort();
      };
      return new HeadSocket(target, { head, subscribed }, clock, metrics);
    });
  }

  /** Time between blocks, as far as it is known. */
  get paceMs(): number {
    return this.pace.ms;
  }

  /** When anybody last told of any head, Unix milliseconds; 0: nobody has yet. */
  lastToldAtMs = 0;

  /** Runs until `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      ...this.sockets.map((socket) => socket.run(signal)),
      ...this.sources.polled.map((endpoint) => this.poll(endpoint, signal)),
    ]);
  }

  private async poll(endpoint: PolledEndpoint, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { gaps } = this;
      try {
        const head = await endpoint.head();
        if (this.hear(head, endpoint.name, 'poll', this.clock.now())) this.judgeSockets(head.number, signal);
      } catch (error) {
        this.logger.debug('poll.failed', { endpoint: endpoint.name, ...errorFields(error) });
      }
      if (gaps === this.gaps) await this.pause(signal);
    }
  }

  /**
   * Heads by poll come at least once per block time, or as seldom as settings allow, but never later than a silent socket is let go: a chain
   * whose sockets die unnoticed is late by that much at most.
   */
  private async pause(signal: AbortSignal): Promise<void> {
    const healthy = this.sockets.some((socket) => socket.isHealthy);
    const quick = this.sources.pollMs ?? Math.max(LEAST_POLL_MS, this.pace.ms / 3);
    const ms = healthy
      ? Math.min(this.staleMs, Math.max(quick, Math.min(this.pace.ms, SLOWEST_POLL_MS)))
      : Math.min(quick, SLOWEST_POLL_MS);
    const sleeper = new AbortController();
    const stop = (): void => {
      sleeper.abort();
    };
    this.sleepers.add(sleeper);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    await this.clock.sleep(ms, sleeper.signal);
    signal.removeEventListener('abort', stop);
    this.sleepers.delete(sleeper);
  }

  private get staleMs(): number {
    return STALE_BLOCKS * this.pace.ms + STALE_MS;
  }

  /** Silence alone proves nothing, since a chain may stand still: a poll must have found a block that the socket did not tell. */
  private judgeSockets(polled: number, signal: AbortSignal): void {
    for (const socket of this.sockets) {
      if (!socket.isHealthy) continue;
      // What a socket was not asked to push yet is not held against it: the first poll after its subscription is where it starts.
      socket.startsAt(polled);
      if (socket.newest < polled && !this.judging.has(socket)) void this.judge(socket, polled, signal);
    }
  }

  private async judge(socket: HeadSocket, polled: number, signal: AbortSignal): Promise<void> {
    this.judging.add(socket);
    const isBehind = (): boolean => socket.isHealthy && socket.newest < polled && !signal.aborted;
    while (isBehind()) {
      const leftMs = this.staleMs - socket.silentMs;
      if (leftMs <= 0) socket.drop();
      else await this.clock.sleep(leftMs, signal);
      if (leftMs <= 0) break;
    }
    this.judging.delete(socket);
  }

  /** False: nobody listens to this one. */
  private hear(head: BlockHeader, endpoint: string, source: 'push' | 'poll', receivedAtMs: number): boolean {
    if (this.sources.isHeard?.(endpoint) === false) return false;
    this.lastToldAtMs = Math.max(this.lastToldAtMs, receivedAtMs);
    const laterMs = this.visibility.told(head.hash, endpoint, receivedAtMs);
    if (laterMs !== undefined) this.metrics.visible(endpoint, laterMs / 1000);
    if (!this.merge.admit(head, endpoint)) return true;
    this.pace.learn(head);
    this.metrics.head(this.sources.chainId, source);
    this.listener(head, receivedAtMs, endpoint);
    return true;
  }
}
