import { setTimeout as sleep } from 'node:timers/promises';
import type { Dice } from '../../chaos/dice.js';
import type { FaultRecord } from '../checker/history.js';
import type { Member } from '../house/member.js';
import type { ProofHouse } from '../house/proof-house.js';
import type { Audience } from '../load/audience.js';
import type { ChainDriver } from '../load/chain-driver.js';
import type { TipLoad } from '../load/tip-load.js';
import { monotonicMs } from '../journals/monotonic.js';
import { NoEffect } from './scenario.js';

const WITHIN_MS = 10_000;
const POLL_MS = 100;

export interface Phase {
  readonly scenario: number;
  readonly says: string;
  readonly from: number;
  to: number;
  /** What was seen of the fault. */
  readonly effects: string[];
}

/** Where a scenario plays: the house under load, and a book of what was done to it. */
export class Stage {
  readonly faults: FaultRecord[] = [];
  readonly phases: Phase[] = [];

  constructor(
    readonly house: ProofHouse,
    readonly audience: Audience,
    readonly load: TipLoad,
    readonly dice: Dice,
    private readonly programme: { readonly say: (line: string) => void; readonly patienceMs: number },
  ) {}

  say(line: string): void {
    this.programme.say(line);
  }

  get chain(): ChainDriver {
    return this.house.services.chain;
  }

  begin(scenario: number, says: string): Phase {
    const phase: Phase = { scenario, says, from: monotonicMs(), to: Infinity, effects: [] };
    this.phases.push(phase);
    this.say(`scenario ${String(scenario)}: ${says}`);
    return phase;
  }

  /** From here on it is done; when `work` is over, it is healed. */
  async fault(name: string, work: () => Promise<void>, withinMs = WITHIN_MS): Promise<void> {
    const from = monotonicMs();
    try {
      await work();
    } finally {
      this.faults.push({ scenario: this.phases.at(-1)?.scenario ?? 0, name, from, to: monotonicMs(), withinMs });
    }
  }

  /** Notes what was seen; throws when it was not. */
  effect(isSeen: boolean, what: string): void {
    if (!isSeen) throw new NoEffect(what);
    this.phases.at(-1)?.effects.push(what);
    this.say(`  effect: ${what}`);
  }

  rest(ms: number): Promise<void> {
    return sleep(ms);
  }

  /** Throws when it does not come true in time. */
  async until(what: string, check: () => boolean | Promise<boolean>, ms = this.programme.patienceMs): Promise<void> {
    const deadline = monotonicMs() + ms;
    while (!(await check())) {
      if (monotonicMs() > deadline) throw new Error(`${what}: not within ${String(ms / 1000)} s`);
      await sleep(POLL_MS);
    }
  }

  /** Every overlay is connected and has what the database has now; the listeners have what the chain has now. */
  async settled(ms = this.programme.patienceMs, crowd = this.audience.crowd): Promise<void> {
    const height = this.chain.height;
    await this.until('the listeners have the chain', async () => (await this.storedHeight()) >= height, ms);
    const heads = await this.house.rows('SELECT creator_id, head FROM creator_streams');
    await this.until(
      'all overlays have everything',
      async () => {
        const { open, places } = await crowd.count();
        return open === crowd.size && heads.every(({ creator_id: id, head }) => (places[String(id)] ?? Infinity) >= Number(head));
      },
      ms,
    );
  }

  async storedHeight(): Promise<number> {
    const [row] = await this.house.rows('SELECT number FROM chain_cursors');
    return Number(row?.['number'] ?? -1);
  }

  /** How many blocks a fork must take away to reach this transaction; 0: it is in no block. */
  depthOf(hash: string): number {
    return this.chain.depthOf(hash);
  }

  /** Who commits blocks, and who stands by. */
  async leadership(): Promise<{ readonly leader: Member; readonly standby: Member }> {
    let leader: Member | undefined;
    await this.until('there is a leader', async () => {
      for (const member of this.house.listeners)
        if ((await member.metric('droppio_chain_state', 'what="leader"').catch(() => 0)) === 1) leader = member;
      return leader !== undefined;
    });
    const standby = this.house.listeners.find((member) => member !== leader);
    if (leader === undefined || standby === undefined) throw new Error('there are not two listeners');
    return { leader, standby };
  }

  /** How often overlays have opened a socket so far. */
  async links(): Promise<number> {
    return (await this.audience.crowd.count()).links;
  }
}
