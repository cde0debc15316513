import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { INestApplicationContext } from '@nestjs/common';
import { OverlayTokens, parseTokenKeys } from '@droppio/protocol/overlay-token';
import { eventually } from '@droppio/broker/testing';
import { DEFAULT_OVERLAY_CONFIG, TipFeed, type TipEvent } from '@droppio/tips';
import { aTipEvent } from '@droppio/tips/testing';
import { openFeed } from '../houses/feed-door.js';

export interface Streamer {
  readonly creatorId: string;
  readonly token: string;
  readonly epoch: string;
  /** Number of tips so far. */
  seq: number;
}

/** Creators whose tips come to the feed one after the other, as a relay brings them. */
export class TipSource {
  private isFlowing = false;
  private flow: Promise<void> = Promise.resolve();

  private constructor(
    private readonly context: INestApplicationContext,
    readonly tokenKeys: string,
    readonly streamers: readonly Streamer[],
  ) {}

  static async open(redisUrl: string, count: number): Promise<TipSource> {
    const { feed, context } = await openFeed(redisUrl);
    const tokenKeys = `1:${randomBytes(32).toString('hex')}`;
    const tokens = new OverlayTokens(parseTokenKeys(tokenKeys));
    const streamers: Streamer[] = [];
    for (let n = 0; n < count; n += 1) {
      const [creatorId, overlayId, epoch] = [randomUUID(), randomUUID(), randomUUID().slice(0, 8)];
      const grant = { overlayId, version: 1, enabled: true, config: DEFAULT_OVERLAY_CONFIG };
      await feed.restore(creatorId, { position: { epoch, seq: 0 }, events: [], grants: [grant] });
      streamers.push({ creatorId, token: tokens.sign({ overlayId, creatorId, version: 1 }), epoch, seq: 0 });
    }
    return new TipSource(context, tokenKeys, streamers);
  }

  /** One tip after the other, to each creator in turn, until `pause`. */
  begin(everyMs: number): void {
    this.isFlowing = true;
    this.flow = (async () => {
      for (let n = 0; this.isFlowing; n += 1) {
        const streamer = this.streamers[n % this.streamers.length];
        if (streamer !== undefined) await this.tip(streamer);
        await sleep(everyMs);
      }
    })();
    // Reported by `pause`, which everybody calls.
    this.flow.catch(() => undefined);
  }

  async pause(): Promise<void> {
    this.isFlowing = false;
    await this.flow;
  }

  /** With the patience of a relay: when Redis gives no answer the tip may be there or not, so it is brought again. */
  async tip(streamer: Streamer, fields: Partial<TipEvent> = {}): Promise<void> {
    const event = { ...aTipEvent(fields), seq: streamer.seq + 1 };
    let tries = 0;
    const outcome = await eventually(() => {
      tries += 1;
      return this.context.get(TipFeed).append(streamer.creatorId, streamer.epoch, event);
    });
    if (outcome.kind !== 'appended' && (outcome.kind !== 'duplicate' || tries === 1))
      throw new Error(`a tip was not appended: ${outcome.kind}`);
    streamer.seq += 1;
  }

  async close(): Promise<void> {
    await this.pause();
    await this.context.close();
  }
}
