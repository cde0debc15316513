import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { errorFields } from '@droppio/platform';
import { BrokerUnavailable, within } from '@droppio/tips';
import { plainChannels, type SubscribeCommands } from './subscribe-commands.js';

/** Redis answers one SUBSCRIBE channel by channel; more at once only makes the reply burst longer. */
const BATCH = 512;
const CONFIRM_TIMEOUT_MS = 5000;

/** A message that only proves that messages arrive. */
export const PROBE = 'probe';

/** `undefined`: the subscription was interrupted, or a message could not be read; anything may have been missed. */
export type ChannelListener<T> = (message: T | undefined) => void;

interface Channel<T> {
  readonly listeners: Set<ChannelListener<T>>;
  /** Redis has confirmed the subscription on the connection as it is now. */
  confirmed: boolean;
  /** It was confirmed before, on a connection that broke. */
  interrupted: boolean;
  waiting: { readonly resolve: () => void; readonly reject: (why: Error) => void }[];
}

/**
 * Many channels over one connection: one SUBSCRIBE per channel however many listeners, let go after the last one. One loop makes Redis'
 * state follow ours, batch by batch and never two commands at once, so that a subscribe cannot overtake the unsubscribe before it.
 * Every message is decoded once.
 */
export class ChannelSubscriber<T> {
  private readonly log = new Logger('broker');
  private readonly channels = new Map<string, Channel<T>>();
  /** Channels whose state at Redis may differ from ours. */
  private readonly unsettled = new Set<string>();
  private settling = false;
  private usable: boolean;
  private connection = 0;
  private heardAt = 0;
  private downSince = Date.now();

  constructor(
    private readonly redis: Redis,
    private readonly decode: (text: string) => T | undefined,
    private readonly commands: SubscribeCommands = plainChannels,
    /** A channel that this connection will not hear (again): its listeners are gone from here. */
    private readonly onRefused: (channel: string) => void = () => undefined,
  ) {
    this.usable = redis.status === 'ready';
    redis.on(commands.event, (name: string, text: string) => {
      this.deliver(name, text);
    });
    redis.on('close', () => {
      this.interrupt();
    });
    redis.on('ready', () => {
      this.setUsable(true);
      this.settle();
    });
  }

  /** Resolves once Redis has confirmed, so that whatever is published after is heard. Throws `BrokerUnavailable`. */
  async subscribe(name: string, listener: ChannelListener<T>): Promise<() => void> {
    const channel = this.channels.get(name) ?? { listeners: new Set(), confirmed: false, interrupted: false, waiting: [] };
    this.channels.set(name, channel);
    channel.listeners.add(listener);
    const leave = (): void => {
      if (!channel.listeners.delete(listener) || channel.listeners.size > 0) return;
      this.unsettle(name);
    };
    if (channel.confirmed) return leave;
    const confirmed = new Promise<void>((resolve, reject) => channel.waiting.push({ resolve, reject }));
    this.unsettle(name);
    try {
      await within(CONFIRM_TIMEOUT_MS, 'subscribing', confirmed);
    } catch (error) {
      leave();
      throw new BrokerUnavailable('Redis did not confirm the subscription.', { cause: error });
    }
    return leave;
  }

  get connected(): boolean {
    return this.usable;
  }

  /** How long there has been no connection, milliseconds; 0 while there is one. */
  get downForMs(): number {
    return this.usable ? 0 : Date.now() - this.downSince;
  }

  /** When Redis last said anything here, Unix milliseconds; 0 before the first word. */
  get lastHeardMs(): number {
    return this.heardAt;
  }

  /** Makes the connection anew: whoever listens is told once everything is subscribed again. */
  rebuild(): void {
    if (!this.usable) return;
    this.setUsable(false);
    this.redis.disconnect(true);
  }

  /** Not a channel of this node (any more): whoever sent it here has to look where it belongs. */
  refuse(name: string): void {
    const channel = this.channels.get(name);
    if (channel === undefined) return;
    this.channels.delete(name);
    for (const { reject } of channel.waiting) reject(new Error('this node refuses the channel'));
    this.onRefused(name);
  }

  private deliver(name: string, text: string): void {
    this.heardAt = Date.now();
    const channel = this.channels.get(name);
    if (channel === undefined || channel.listeners.size === 0 || text === PROBE) return;
    this.tell(channel, this.decode(text));
  }

  private tell(channel: Channel<T>, message: T | undefined): void {
    for (const listener of [...channel.listeners]) {
      try {
        listener(message);
      } catch (error) {
        // Listeners must not throw; one that does may not cost the others their message.
        this.log.error('channel.listener-failed', errorFields(error));
      }
    }
  }

  private setUsable(usable: boolean): void {
    if (this.usable && !usable) this.downSince = Date.now();
    this.usable = usable;
  }

  private interrupt(): void {
    this.setUsable(false);
    this.connection += 1;
    for (const [name, channel] of this.channels) {
      channel.interrupted ||= channel.confirmed;
      channel.confirmed = false;
      this.unsettled.add(name);
    }
  }

  private unsettle(name: string): void {
    this.unsettled.add(name);
    this.settle();
  }

  private settle(): void {
    if (this.settling || !this.usable) return;
    this.settling = true;
    void this.settleAll().then(() => {
      this.settling = false;
      // Anything that came up between the last look and here.
      if (this.unsettled.size > 0) this.settle();
    });
  }

  private async settleAll(): Promise<void> {
    while (this.usable && this.unsettled.size > 0) {
      const batch = [...this.unsettled].slice(0, BATCH);
      for (const name of batch) this.unsettled.delete(name);
      try {
        await this.subscribeTo(batch.filter((name) => this.wants(name) && this.channels.get(name)?.confirmed === false));
        await this.unsubscribeFrom(batch.filter((name) => !this.wants(name)));
      } catch (error) {
        for (const name of batch) this.unsettled.add(name);
        this.log.warn('channel.subscribe-failed', errorFields(error));
        // A connection on which Redis refuses to subscribe is of no use; a new one is made after a pause.
        this.rebuild();
        return;
      }
    }
  }

  private wants(name: string): boolean {
    return (this.channels.get(name)?.listeners.size ?? 0) > 0;
  }

  private async subscribeTo(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    const { connection } = this;
    const refused = new Set(await this.commands.subscribe(this.redis, names));
    if (connection !== this.connection) return;
    this.heardAt = Date.now();
    for (const name of names) {
      if (refused.has(name)) this.refuse(name);
      else this.confirm(name);
    }
  }

  private confirm(name: string): void {
    const channel = this.channels.get(name);
    if (channel === undefined) return;
    channel.confirmed = true;
    for (const { resolve } of channel.waiting.splice(0)) resolve();
    if (!channel.interrupted) return;
    channel.interrupted = false;
    this.tell(channel, undefined);
  }

  private async unsubscribeFrom(names: readonly string[]): Promise<void> {
    const confirmed = names.filter((name) => this.channels.get(name)?.confirmed === true);
    for (const name of confirmed) this.leave(name);
    if (confirmed.length > 0) {
      await this.commands.unsubscribe(this.redis, confirmed);
    }
    // Somebody may have come while Redis was told: then it is subscribed anew in the next round.
    for (const name of names) {
      if (this.wants(name)) this.unsettled.add(name);
      else this.channels.delete(name);
    }
  }

  private leave(name: string): void {
    const channel = this.channels.get(name);
    if (channel === undefined) return;
    channel.confirmed = false;
    channel.interrupted = false;
  }
}
