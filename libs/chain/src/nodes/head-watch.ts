import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import type { BlockHeader, Clock } from '@droppio/tips';
import { BlockPace } from './block-pace.js';
import { HeadMerge } from './head-merge.js';
import { HeadSocket } from './head-socket.js';
import type { HeadMetrics } from '../metrics.js';
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
}

const LEAST_POLL_MS = 200;
const SLOWEST_POLL_MS = 4000;
/** A socket may be this much later than a poll before it counts as silent. */
const BEHIND_MS = 500;

/** Hears of heads by every road there is: pushes are quick and may stop without a word, polls always run. Merged by hash. */
export class HeadWatch {
  private readonly logger = new Logger('chain');
  private readonly merge = new HeadMerge();
  private readonly pace = new BlockPace();
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
        this.hear(head, endpoint.name, 'poll', this.clock.now());
        this.judgeSockets(head.number, signal);
      } catch (error) {
        this.logger.debug('poll.failed', { endpoint: endpoint.name, ...errorFields(error) });
      }
      if (gaps === this.gaps) await this.pause(signal);
    }
  }

  /** Heads by poll come at least once per block time, so a chain whose sockets die unnoticed is late by one block at most. */
  private async pause(signal: AbortSignal): Promise<void> {
    const healthy = this.sockets.some((socket) => socket.isHealthy);
    const quick = this.sources.pollMs ?? Math.max(LEAST_POLL_MS, this.pace.ms / 3);
    const ms = healthy ? Math.max(quick, Math.min(this.pace.ms, SLOWEST_POLL_MS)) : Math.min(quick, SLOWEST_POLL_MS);
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

  private judgeSockets(polled: number, signal: AbortSignal): void {
    const healthy = this.sockets.filter((socket) => socket.isHealthy);
    // What a socket was not asked to push yet is not held against it: the first poll after its subscription is where it starts.
    for (const socket of healthy) socket.startsAt(polled);
    const behind = healthy.filter((socket) => socket.newest < polled);
    if (behind.length === 0) return;
    void this.clock.sleep(BEHIND_MS, signal).then(() => {
      for (const socket of behind) if (socket.isHealthy && socket.newest < polled) socket.drop();
    });
  }

  private hear(head: BlockHeader, endpoint: string, source: 'push' | 'poll', receivedAtMs: number): void {
    if (!this.merge.admit(head, endpoint)) return;
    this.pace.learn(head);
    this.metrics.head(this.sources.chainId, source);
    this.listener(head, receivedAtMs, endpoint);
  }
}
