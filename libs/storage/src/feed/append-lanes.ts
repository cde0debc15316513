import { BrokerUnavailable, type AppendOutcome, type CreatorEvent } from '@droppio/tips';

/** Events in one statement, and events of a creator that may wait for theirs. */
const [BATCH, WAITING_MAX] = [64, 2000];

interface Waiting {
  readonly epoch: string;
  readonly event: CreatorEvent;
  settle(outcome: AppendOutcome): void;
  fail(error: unknown): void;
}

/** Appends a run of events that follow each other, of one epoch; answers for each of them. */
export type AppendRun = (creatorId: string, epoch: string, events: readonly CreatorEvent[]) => Promise<readonly AppendOutcome[]>;

/**
 * A creator's appends go one run after the other: a relay sends many at once, and on a pool of connections they would overtake each other. What
 * came meanwhile goes with one statement.
 */
export class AppendLanes {
  private readonly lanes = new Map<string, Waiting[]>();

  constructor(private readonly run: AppendRun) {}

  append(creatorId: string, epoch: string, event: CreatorEvent): Promise<AppendOutcome> {
    return new Promise((settle, fail) => {
      const lane = this.lanes.get(creatorId);
      if (lane !== undefined && lane.length >= WAITING_MAX) {
        fail(new BrokerUnavailable('Too many events of one creator wait to be appended.'));
        return;
      }
      const waiting = { epoch, event, settle, fail };
      if (lane !== undefined) {
        lane.push(waiting);
        return;
      }
      const begun = [waiting];
      this.lanes.set(creatorId, begun);
      void this.work(creatorId, begun);
    });
  }

  private async work(creatorId: string, lane: Waiting[]): Promise<void> {
    // Whoever sends many does so in one turn.
    await Promise.resolve();
    while (lane.length > 0) {
      const batch = lane.splice(0, runLength(lane));
      try {
        const outcomes = await this.run(
          creatorId,
          batch[0]?.epoch ?? '',
          batch.map(({ event }) => event),
        );
        for (const [nth, waiting] of batch.entries()) {
          const outcome = outcomes[nth];
          if (outcome === undefined) waiting.fail(new TypeError('an append was not answered'));
          else waiting.settle(outcome);
        }
      } catch (error) {
        for (const waiting of batch) waiting.fail(error);
      }
    }
    this.lanes.delete(creatorId);
  }
}

/** How many from the front follow each other. */
function runLength(lane: readonly Waiting[]): number {
  const [first] = lane;
  const end = lane.findIndex(({ epoch, event }, nth) => epoch !== first?.epoch || event.seq !== first.event.seq + nth);
  return Math.min(end === -1 ? lane.length : Math.max(1, end), BATCH);
}
