import type { Clock, CommitOutcome, Preconfirmed } from '@droppio/tips';
import type { Database } from './database.js';
import { DROP_SEEN, SIGHT_SEEN } from './seen-statements.js';
import { StorageRefused } from './storage-errors.js';
import { Tellings, Told } from './tellings.js';
import { storableTips, tipsJson } from './tip-input.js';

const Dropped = Told.pick({ creators: true });
const MOVED = { kind: 'moved' } as const;

/** Tips before their block. What cannot be stored is left out and nothing is set aside: its block will bring it, or it never happened. */
export class SeenTips {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async sight(chainId: number, fence: number, promised: Preconfirmed): Promise<CommitOutcome> {
    const good = { ...promised, tips: storableTips(promised.tips) };
    try {
      return await this.store(chainId, fence, good);
    } catch (error) {
      if (!(error instanceof StorageRefused) || good.tips.length === 1) throw error;
      return this.storeEach(chainId, fence, good);
    }
  }

  async drop(chainId: number, fence: number, upTo: number): Promise<CommitOutcome> {
    const [row] = await this.database.rows(Dropped, DROP_SEEN, [chainId, fence, upTo, this.clock.now()]);
    return row === undefined ? MOVED : { kind: 'committed', creators: row.creators };
  }

  private async store(chainId: number, fence: number, { seenAtMs, number, tips }: Preconfirmed): Promise<CommitOutcome> {
    const [row] = await this.database.rows(Told, SIGHT_SEEN, [chainId, fence, seenAtMs, tipsJson(tips), number]);
    return row === undefined ? MOVED : new Tellings(row).outcome;
  }

  private async storeEach(chainId: number, fence: number, promised: Preconfirmed): Promise<CommitOutcome> {
    const told = new Tellings();
    for (const tip of promised.tips) {
      const outcome = await this.store(chainId, fence, { ...promised, tips: [tip] }).catch((error: unknown) => {
        if (error instanceof StorageRefused) return undefined;
        throw error;
      });
      if (outcome?.kind === 'moved') return outcome;
      if (outcome !== undefined) told.add(outcome);
    }
    return told.outcome;
  }
}
