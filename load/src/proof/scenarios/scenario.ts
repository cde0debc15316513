import type { HouseKind } from '../house/house-plan.js';
import type { Stage } from './stage.js';

/** One fault, or a few of a kind, injected under load. It fails by itself when what it does has no effect. */
export interface Scenario {
  /** As in section 6.4 of the research. */
  readonly number: number;
  readonly says: string;
  readonly house: HouseKind;
  /** Part of the five minutes of CI. */
  readonly inCi: boolean;
  /** May be thrown into a random mix: leaves the house as it was. */
  readonly mixes: boolean;
  play(stage: Stage): Promise<void>;
}

/** The fault was injected and nothing of it was to be seen: whatever is green then proves nothing. */
export class NoEffect extends Error {
  constructor(what: string) {
    super(`the fault had no effect: ${what}`);
    this.name = 'NoEffect';
  }
}
