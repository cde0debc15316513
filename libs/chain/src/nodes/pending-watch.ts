import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import type { ChainLog, Clock, LogFilter, PendingListener } from '@droppio/tips';
import type { HeadMetrics } from './head-metrics.js';
import { NodeSocket, type SocketTarget } from './node-socket.js';
import { parsePendingLogs } from './rpc-answer.js';

export interface PendingSources {
  /** Endpoints that push `pendingLogs`, where the chain's nodes have that. */
  readonly sockets: readonly SocketTarget[];
  /** Asks for the logs of the pending block, where the nodes have that. */
  readonly ask?: () => Promise<readonly ChainLog[]>;
}

/** Half of a flashblock: what is asked for is never older than one of them. */
const POLL_MS = 100;
const PAUSE_AFTER_FAILURE_MS = 1000;

/**
 * Hears of logs before their block is sealed, by push or by asking for the pending block. Everything may come twice, late or never: what is
 * told here is a promise of one node.
 */
export class PendingWatch {
  private readonly logger = new Logger('chain');

  constructor(
    private readonly sources: PendingSources,
    private readonly filter: LogFilter,
    private readonly clock: Clock,
    private readonly metrics: HeadMetrics,
  ) {}

  /** Runs until `signal` aborts; never rejects. */
  async run(listener: PendingListener, signal: AbortSignal): Promise<void> {
    const { sockets, ask } = this.sources;
    const pushed = sockets.map((target) => this.socket(target, listener).run(signal));
    await Promise.all([...pushed, ...(ask === undefined ? [] : [this.poll(ask, listener, signal)])]);
  }

  private socket(target: SocketTarget, listener: PendingListener): NodeSocket {
    const told = (result: unknown, receivedAtMs: number): boolean => {
      const logs = parsePendingLogs(result);
      if (logs !== undefined && logs.length > 0) listener(logs, receivedAtMs);
      return logs !== undefined;
    };
    const { addresses, topics } = this.filter;
    const params = ['pendingLogs', { address: addresses, topics: [topics] }];
    return new NodeSocket(target, params, { told, subscribed: () => undefined }, this.clock, this.metrics);
  }

  private async poll(ask: () => Promise<readonly ChainLog[]>, listener: PendingListener, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let pauseMs = POLL_MS;
      try {
        const logs = await ask();
        if (logs.length > 0) listener(logs, this.clock.now());
      } catch (error) {
        pauseMs = PAUSE_AFTER_FAILURE_MS;
        this.logger.debug('pending.failed', errorFields(error));
      }
      await this.clock.sleep(pauseMs, signal);
    }
  }
}
