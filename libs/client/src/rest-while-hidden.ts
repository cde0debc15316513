import type { Clock } from '@droppio/tips';
import type { OverlayConnection } from './overlay-connection.js';

/**
 * Lets go of the connection while nobody can see the page, where the creator asks for it, and takes it up again, where it was, as soon as
 * somebody can. Off until `configure` names a time.
 */
export class RestWhileHidden {
  private afterMs: number | undefined;
  private hiddenAt: number | undefined;
  private wait: AbortController | undefined;

  constructor(
    private readonly connection: Pick<OverlayConnection, 'rest' | 'wake'>,
    private readonly clock: Clock,
  ) {}

  /** `afterMs`: how long it has to be hidden; `undefined`: it never rests. */
  configure(afterMs: number | undefined): void {
    if (afterMs === this.afterMs) return;
    this.afterMs = afterMs;
    this.look();
  }

  show(isVisible: boolean): void {
    this.hiddenAt = isVisible ? undefined : (this.hiddenAt ?? this.clock.now());
    this.look();
  }

  private look(): void {
    this.wait?.abort();
    this.wait = undefined;
    if (this.hiddenAt === undefined || this.afterMs === undefined) this.connection.wake();
    else void this.restAt(this.hiddenAt + this.afterMs);
  }

  private async restAt(dueMs: number): Promise<void> {
    const { signal } = (this.wait = new AbortController());
    await this.clock.sleep(Math.max(0, dueMs - this.clock.now()), signal);
    if (!signal.aborted) this.connection.rest();
  }
}
