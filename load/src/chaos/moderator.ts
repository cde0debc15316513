import { setTimeout as sleep } from 'node:timers/promises';
import { joinTestStorage, type JoinedStorage } from '@droppio/storage/testing';
import type { Tally } from './tally.js';

const PAUSE_MS = 40;
const AT_ONCE = 50;

/** A person who lets everything through that is held, sooner or later, whatever the chain and the database do meanwhile. */
export class Moderator {
  private isOver = false;
  private working: Promise<void> = Promise.resolve();

  private constructor(
    private readonly storage: JoinedStorage,
    private readonly creatorIds: readonly string[],
    private readonly tally: Tally,
  ) {}

  static async start(url: string, creatorIds: readonly string[], tally: Tally): Promise<Moderator> {
    const moderator = new Moderator(await joinTestStorage(url), creatorIds, tally);
    moderator.working = moderator.work();
    return moderator;
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.working;
    await this.storage.close();
  }

  private async work(): Promise<void> {
    while (!this.isOver) {
      for (const creatorId of this.creatorIds) {
        // A database that is away comes back, and a tip that left its chain meanwhile is nobody's any more: the next look tells.
        await this.approveAll(creatorId).catch(() => undefined);
      }
      await sleep(PAUSE_MS);
    }
  }

  private async approveAll(creatorId: string): Promise<void> {
    const { tips } = await this.storage.moderation.alerts({ creatorId, screening: 'held', limit: AT_ONCE });
    for (const tip of [...tips].reverse()) {
      const approved = await this.storage.moderation.approve(creatorId, tip).catch(() => undefined);
      if (approved !== undefined) this.tally.add('moderation:approved');
    }
  }
}
