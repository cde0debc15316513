import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { ChannelSubscriber, type ChannelListener } from './channel-subscriber.js';
import type { RedisConnections } from './redis-connections.js';
import type { WireSignal } from './redis-tip-feed.js';
import type { RedisNode } from './redis-url.js';
import { SilenceProbe, type ProbeTiming } from './silence-probe.js';
import { shardChannels } from './subscribe-commands.js';

export interface NodeSubscriberOptions {
  readonly decode: (text: string) => WireSignal | undefined;
  /** SPUBLISH, routed by the cluster. */
  readonly publish: (channel: string, message: string) => Promise<unknown>;
  /** The node has said that a channel is not, or no longer, its own. */
  readonly onLost: (channel: string) => void;
  readonly timing?: ProbeTiming;
}

/** The subscriptions to one master of a cluster, and the probe that it can still be heard. */
export class NodeSubscriber {
  private readonly redis: Redis;
  private readonly subscriber: ChannelSubscriber<WireSignal>;
  private probe: { readonly channel: string; readonly stop: () => void } | undefined;

  constructor(
    private readonly connections: RedisConnections,
    node: RedisNode,
    private readonly options: NodeSubscriberOptions,
  ) {
    this.redis = connections.connectToNode(node);
    this.subscriber = new ChannelSubscriber(this.redis, options.decode, shardChannels, options.onLost);
    this.redis.on('error', (error: unknown) => {
      if (error instanceof Error) this.heedUnasked(error.message);
    });
  }

  subscribe(channel: string, listener: ChannelListener<WireSignal>): Promise<() => void> {
    return this.subscriber.subscribe(channel, listener);
  }

  get downForMs(): number {
    return this.subscriber.downForMs;
  }

  /** Probes through a channel in a slot of this node; a new one when the old one's slot has moved away. */
  probeWith(isHere: (channel: string) => boolean): void {
    if (this.probe !== undefined && isHere(this.probe.channel)) return;
    this.probe?.stop();
    this.probe = undefined;
    // With n masters about n tries find a slot of this one; a master with hardly any slots goes without a probe.
    for (let tries = 0; tries < 1000; tries += 1) {
      const channel = `droppio:probe:{${randomUUID()}}`;
      if (!isHere(channel)) continue;
      const probe = new SilenceProbe(this.subscriber, this.options.publish, channel, this.options.timing);
      this.probe = {
        channel,
        stop: () => {
          probe.stop();
        },
      };
      return;
    }
  }

  /**
   * A slot that moves away unsubscribes its channels without being asked; to ioredis that is an answer without a question. When it came in
   * place of another answer, which of the two went missing cannot be told: everything is subscribed anew.
   */
  private heedUnasked(message: string): void {
    if (!message.startsWith('Command queue state error')) return;
    const [, channel] = /Last reply: sunsubscribe,(.+),\d+$/.exec(message) ?? [];
    if (channel === undefined) this.subscriber.rebuild();
    else this.subscriber.refuse(channel);
  }

  close(): void {
    this.probe?.stop();
    this.connections.drop(this.redis);
  }
}
