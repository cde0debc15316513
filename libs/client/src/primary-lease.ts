import type { Clock } from '@droppio/tips';
import { tokenFingerprint, type LockManagerLike } from './instance.js';
import { PrimaryTalk } from './primary-talk.js';

/** What is used of a `BroadcastChannel`. */
export interface PageChannel {
  postMessage(data: unknown): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
}

export interface LeaseSurroundings {
  readonly locks?: LockManagerLike | undefined;
  readonly openChannel?: ((name: string) => PageChannel) | undefined;
  /** This page has become the primary, or no longer is. */
  readonly changed?: (() => void) | undefined;
  /** To talk by where there are no locks. */
  readonly clock?: Clock | undefined;
  readonly random?: (() => number) | undefined;
}

/**
 * Of all living pages of a token one is the primary: preferably one that is on the air. A page that goes off the air hands over to one that
 * is on it, or keeps the lease where there is none; when the primary ends, the next one gets it. Without locks (plain http) the pages talk instead; where
 * they cannot do that either, it is the page in slot 0.
 *
 * Pages on the air wait for the lease. Of the others only one does, whoever has the stand-in's lock, and it gives the lease up as soon as a
 * page on the air says that it waits, when it begins to or when it is told of the stand-in. So no two pages can pass the lease back and forth.
 */
export class PrimaryLease {
  private readonly name: string;
  private readonly channel: PageChannel | undefined;
  private talk: PrimaryTalk | undefined;
  private readonly silence = new AbortController();
  private isOnAir: boolean | undefined;
  private lease: Hold | undefined;
  private standIn: Hold | undefined;

  constructor(
    token: string,
    private readonly slot: string | number,
    private readonly around: LeaseSurroundings,
  ) {
    this.name = `droppio:${tokenFingerprint(token)}:primary`;
    this.channel = around.locks === undefined ? undefined : around.openChannel?.(this.name);
    this.channel?.addEventListener('message', ({ data }) => {
      if (data === 'wanted' && this.isOnAir === false && this.isPrimary) this.standBy();
      if (data === 'standing in' && this.isOnAir === true && this.lease?.state === 'waiting') this.channel?.postMessage('wanted');
    });
  }

  get isPrimary(): boolean {
    if (this.talk !== undefined) return this.talk.isPrimary;
    if (this.around.locks === undefined || this.lease?.state === 'refused') return this.slot === 0;
    return this.lease?.state === 'held';
  }

  /** Nothing is claimed before the first call. */
  setOnAir(isOnAir: boolean): void {
    if (isOnAir === this.isOnAir) return;
    this.isOnAir = isOnAir;
    if (this.around.locks === undefined) this.speak();
    else if (isOnAir) this.claim();
    else this.standBy();
  }

  /** The page ends. Locks know that by themselves. */
  end(): void {
    this.silence.abort();
    this.talk?.leave();
  }

  private speak(): void {
    if (this.talk === undefined) {
      const { openChannel, clock, random = Math.random, changed = () => undefined } = this.around;
      if (openChannel === undefined || clock === undefined) return;
      this.talk = new PrimaryTalk({ channel: openChannel(`${this.name}:talk`), clock, random, changed });
      void this.talk.run(this.silence.signal);
    }
    this.talk.setOnAir(this.isOnAir === true);
  }

  private claim(): void {
    this.standIn?.end();
    this.standIn = undefined;
    if (this.isPrimary) return;
    this.lease?.end();
    this.lease = this.hold(this.name);
    this.channel?.postMessage('wanted');
  }

  /** Lets others go first. */
  private standBy(): void {
    const was = this.isPrimary;
    this.lease?.end();
    this.lease = undefined;
    this.standIn?.end();
    this.standIn = this.hold(`${this.name}:stand-in`, () => {
      this.lease = this.hold(this.name, () => {
        this.channel?.postMessage('standing in');
      });
    });
    if (was) this.around.changed?.();
  }

  private hold(name: string, granted: () => void = () => undefined): Hold {
    return new Hold(name, this.around.locks, (state) => {
      if (state === 'refused') this.speak();
      else granted();
      this.around.changed?.();
    });
  }
}

/** One lock: waited for, held, given back. */
class Hold {
  private readonly patience = new AbortController();
  private release: (() => void) | undefined;
  state: 'waiting' | 'held' | 'refused' | 'over' = 'waiting';

  constructor(name: string, locks: LockManagerLike | undefined, changed: (state: 'held' | 'refused') => void) {
    const until = (): Promise<void> | undefined => {
      // Ended in the moment in which it was granted.
      if (this.state === 'over') return undefined;
      this.state = 'held';
      const held = new Promise<void>((resolve) => {
        this.release = resolve;
      });
      changed('held');
      return held;
    };
    locks?.request(name, { signal: this.patience.signal }, until).catch(() => {
      // Locks can be forbidden by policy.
      if (this.state !== 'waiting') return;
      this.state = 'refused';
      changed('refused');
    });
  }

  end(): void {
    this.state = 'over';
    this.release?.();
    this.patience.abort();
  }
}
