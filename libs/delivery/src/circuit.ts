import { backoffMs, type Clock } from '@droppio/tips';
import { FeedAway } from './errors.js';

/** Failures in a row that mean "it is away": a shard of a cluster that fails leaves successes in between. */
const FAILURES = 8;
const PAUSE = { baseMs: 500, capMs: 4000 };
const LEAST_PAUSE_MS = 250;

/**
 * Spares a store that is away the questions of thousands of channels, and them the waiting: after so many failures in a row everybody is
 * refused at once for a while; then one question goes through, and its answer decides for all.
 */
export class Circuit {
  private failures = 0;
  private pauses = 0;
  private refusesUntil = 0;
  private isTrying = false;

  constructor(
    private readonly clock: Clock,
    private readonly changed: (isOpen: boolean) => void,
  ) {}

  get isOpen(): boolean {
    return this.failures >= FAILURES;
  }

  /** Throws `FeedAway` without asking while the store counts as away. */
  async run<T>(question: () => Promise<T>): Promise<T> {
    if (this.isOpen && (this.isTrying || this.clock.now() < this.refusesUntil)) throw new FeedAway('The feed is away.');
    this.isTrying = this.isOpen;
    try {
      const answer = await question();
      this.close();
      return answer;
    } catch (error) {
      this.fail();
      throw error;
    }
  }

  /** A sign of life from elsewhere. */
  close(): void {
    const wasOpen = this.isOpen;
    this.failures = this.pauses = 0;
    this.isTrying = false;
    if (wasOpen) this.changed(false);
  }

  private fail(): void {
    const wasOpen = this.isOpen;
    this.failures += 1;
    // What was asked before it opened says nothing new.
    if (!this.isOpen || (wasOpen && !this.isTrying)) return;
    this.isTrying = false;
    this.refusesUntil = this.clock.now() + LEAST_PAUSE_MS + backoffMs(this.pauses, PAUSE);
    this.pauses += 1;
    if (!wasOpen) this.changed(true);
  }
}
