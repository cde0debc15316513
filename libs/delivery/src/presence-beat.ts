import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { errorFields, Instance } from '@droppio/platform';
import { Clock, Presence, PRESENCE_TTL_MS, within } from '@droppio/tips';
import { ChannelRegistry } from './channel-registry.js';

/** Several words may be lost before what was told fades. */
const EVERY_MS = PRESENCE_TTL_MS / 6;
const GOODBYE_MS = 1000;

/** Tells the other gateways, again and again, which creators have sockets here. */
@Injectable()
export class PresenceBeat implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('delivery');
  private readonly stop = new AbortController();
  private readonly source: string;
  private beating = Promise.resolve();
  private hasTold = false;
  private isFailing = false;

  constructor(
    private readonly presence: Presence,
    private readonly channels: ChannelRegistry,
    private readonly clock: Clock,
    instance: Instance,
  ) {
    // Two processes of one name must not take back what the other has told.
    this.source = `${instance.id}/${randomUUID().slice(0, 8)}`;
  }

  onApplicationBootstrap(): void {
    this.beating = this.beat();
  }

  /** After the drain. Without the goodbye it would fade by itself. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    const goodbye = this.beating.then(() => this.presence.tell(this.source, new Map()));
    await within(GOODBYE_MS, 'the goodbye', goodbye).catch(() => undefined);
  }

  private async beat(): Promise<void> {
    const { signal } = this.stop;
    while (!signal.aborted) {
      await this.tell(this.channels.sockets());
      await this.clock.sleep(EVERY_MS * (0.9 + Math.random() * 0.2), signal);
    }
  }

  private async tell(sockets: ReadonlyMap<string, number>): Promise<void> {
    // Nothing again is nothing new; the first time it is not even a connection.
    if (sockets.size === 0 && !this.hasTold) return;
    try {
      await this.presence.tell(this.source, sockets);
      this.hasTold = sockets.size > 0;
      this.isFailing = false;
    } catch (error) {
      this.hasTold = true;
      if (!this.isFailing) this.log.warn('presence.not-told', errorFields(error));
      this.isFailing = true;
    }
  }
}
