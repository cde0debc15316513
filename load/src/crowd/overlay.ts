import type { Told } from './ledger.js';

/** One viewer's overlay, whatever it is made of. */
export interface Overlay {
  readonly told: Told;
  readonly isOpen: boolean;
  /** `dueMs`: when it should have come, Unix milliseconds. */
  start(dueMs: number): void;
  /** Lets go and connects again, where it was. */
  comeAndGo(): void;
  stop(): void;
}
