/** Less than half of what a server takes from a page before it turns it away for half a minute; the rest is for its pongs. */
const PER_SECOND = 0.5;
const AT_ONCE = 8;

/**
 * How often a page may tell that an alert is on its screen. An alert is there for two seconds at least, so nobody notices, unless somebody skips one
 * after the other: then some go unreported, which costs a server a figure, and being turned away would cost a streamer alerts.
 */
export class ReportBudget {
  private left = AT_ONCE;
  private atMs: number | undefined;

  /** May it be told now? */
  take(nowMs: number): boolean {
    const sinceMs = Math.max(0, nowMs - (this.atMs ?? nowMs));
    this.atMs = nowMs;
    this.left = Math.min(AT_ONCE, this.left + (sinceMs / 1000) * PER_SECOND);
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}
