import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { backoffMs, BrokerUnavailable } from '@droppio/tips';
import type { ChannelListener } from './channel-subscriber.js';
import type { CommandLink } from './command-link.js';
import { NodeSubscriber } from './node-subscriber.js';
import type { RedisConnections } from './redis-connections.js';
import type { SignalSource, WireSignal } from './redis-tip-feed.js';
import type { ProbeTiming } from './silence-probe.js';
import { SlotMap } from './slot-map.js';

/** How often the slots are looked up; a node that loses one says so at once, a node that dies does not. */
const LOOK_EVERY_MS = 3000;
const RETRY = { baseMs: 100, capMs: 2000 };
const DOWN_TOO_LONG_MS = 10_000;

/** A channel and the node that it is heard from. */
interface Home {
  readonly channel: string;
  readonly listeners: Set<ChannelListener<WireSignal>>;
  /** `undefined` until Redis has confirmed. */
  node: string | undefined;
  leave: () => void;
  /** It was heard before, and is no longer. */
  lost: boolean;
  settling: Promise<void> | undefined;
}

/**
 * Sharded Pub/Sub: each channel is heard from the master of its creator's slot, over one connection per master. When a slot moves or a
 * master is replaced, its channels move after it and their listeners are told to look for themselves.
 */
export class ClusterSignals implements SignalSource {
  private readonly log = new Logger('broker');
  private readonly homes = new Map<string, Home>();
  private readonly nodes = new Map<string, NodeSubscriber>();
  private slots: SlotMap | undefined;
  private looking: Promise<void> | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private closed = false;

  constructor(
    private readonly connections: RedisConnections,
    private readonly link: CommandLink,
    private readonly decode: (text: string) => WireSignal | undefined,
    private readonly timing?: ProbeTiming,
  ) {
    this.schedule(LOOK_EVERY_MS);
  }

  async subscribe(channel: string, listener: ChannelListener<WireSignal>): Promise<() => void> {
    const home = this.homes.get(channel) ?? newHome(channel);
    this.homes.set(channel, home);
    home.listeners.add(listener);
    const leave = (): void => {
      if (!home.listeners.delete(listener) || home.listeners.size > 0) return;
      home.leave();
      if (this.homes.get(channel) === home) this.homes.delete(channel);
    };
    try {
      await this.settle(home, await this.currentSlots());
    } catch (error) {
      leave();
      this.lookSoon();
      throw error instanceof BrokerUnavailable ? error : new BrokerUnavailable('The cluster was not reached.', { cause: error });
    }
    return leave;
  }

  fault(): string | undefined {
    if (this.slots === undefined && this.failures > 0) return 'The cluster does not tell who has which slot.';
    const down = [...this.nodes.values()].filter(({ downForMs }) => downForMs > DOWN_TOO_LONG_MS).length;
    return down > 0 ? `Subscriptions to ${String(down)} nodes of the cluster are not connected.` : undefined;
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    for (const node of this.nodes.values()) node.close();
  }

  /** Hears the channel from the master of its slot, if it does not already. */
  private settle(home: Home, slots: SlotMap): Promise<void> {
    return (home.settling ??= this.settleNow(home, slots).finally(() => {
      home.settling = undefined;
    }));
  }

  private async settleNow(home: Home, slots: SlotMap): Promise<void> {
    const owner = slots.ownerOf(home.channel);
    if (owner === undefined) throw new BrokerUnavailable('No node of the cluster serves this slot.');
    const node = this.nodeAt(owner, slots);
    if (owner === home.node) {
      // Others listen already; but the connection may have broken, and then Redis has to confirm again.
      const leaveAgain = await node.subscribe(home.channel, () => undefined);
      leaveAgain();
      return;
    }
    const wasHeard = home.lost || home.node !== undefined;
    const leaveOld = home.leave;
    home.leave = await node.subscribe(home.channel, (signal) => {
      this.tell(home, signal);
    });
    leaveOld();
    home.node = owner;
    home.lost = false;
    if (home.listeners.size === 0) home.leave();
    else if (wasHeard) this.tell(home, undefined);
  }

  private lose(channel: string): void {
    const home = this.homes.get(channel);
    if (home?.node === undefined) return;
    home.node = undefined;
    home.lost = true;
    this.lookSoon();
  }

  private tell(home: Home, signal: WireSignal | undefined): void {
    for (const listener of [...home.listeners]) {
      try {
        listener(signal);
      } catch (error) {
        // Listeners must not throw; one that does may not cost the others their signal.
        this.log.error('channel.listener-failed', errorFields(error));
      }
    }
  }

  private nodeAt(name: string, slots: SlotMap): NodeSubscriber {
    const known = this.nodes.get(name);
    if (known !== undefined) return known;
    const address = slots.nodes.get(name);
    if (address === undefined) throw new BrokerUnavailable('The node has left the cluster.');
    const node = new NodeSubscriber(this.connections, address, {
      decode: this.decode,
      publish: (channel, message) => this.link.run('probe', (client) => client.spublish(channel, message)),
      onLost: (channel) => {
        this.lose(channel);
      },
      ...(this.timing === undefined ? {} : { timing: this.timing }),
    });
    this.nodes.set(name, node);
    node.probeWith((channel) => this.slots?.ownerOf(channel) === name);
    return node;
  }

  private async currentSlots(): Promise<SlotMap> {
    if (this.slots === undefined) await this.look();
    if (this.slots === undefined) throw new BrokerUnavailable('The cluster does not tell who has which slot.');
    return this.slots;
  }

  private lookSoon(): void {
    this.schedule(backoffMs(this.failures + 1, RETRY));
  }

  private schedule(ms: number): void {
    clearTimeout(this.timer);
    if (this.closed) return;
    this.timer = setTimeout(() => {
      void this.look().then(() => {
        if (this.failures > 0) this.lookSoon();
        else this.schedule(LOOK_EVERY_MS);
      });
    }, ms);
    this.timer.unref();
  }

  private look(): Promise<void> {
    return (this.looking ??= this.lookNow().finally(() => {
      this.looking = undefined;
    }));
  }

  /** Never rejects: what could not be settled is tried again soon. */
  private async lookNow(): Promise<void> {
    try {
      const slots = SlotMap.parse(await this.link.run('slots', (client) => client.call('CLUSTER', 'SLOTS')));
      this.slots = slots;
      const away = [...this.homes.values()].filter(
        ({ channel, node, lost }) => lost || (node !== undefined && node !== slots.ownerOf(channel)),
      );
      if (away.length > 0) this.log.log('cluster.slots-moved', { channels: away.length });
      const settled = await Promise.allSettled(away.map((home) => this.settle(home, slots)));
      const failed = settled.filter(({ status }) => status === 'rejected').length;
      this.failures = failed === 0 ? 0 : this.failures + 1;
      this.letGo(slots);
    } catch (error) {
      this.failures += 1;
      this.log.warn('cluster.slots-unknown', errorFields(error));
    }
  }

  private letGo(slots: SlotMap): void {
    const used = new Set([...this.homes.values()].map(({ node }) => node));
    for (const [name, node] of this.nodes) {
      if (slots.nodes.has(name)) {
        node.probeWith((channel) => slots.ownerOf(channel) === name);
      } else if (!used.has(name)) {
        node.close();
        this.nodes.delete(name);
      }
    }
  }
}

function newHome(channel: string): Home {
  return { channel, listeners: new Set(), node: undefined, leave: () => undefined, lost: false, settling: undefined };
}
