import { OnAir, PrimaryLease, type LeaseSurroundings, type TipInbox } from '@droppio/client';
import type { WornConfig } from '@droppio/protocol';
import type { Clock } from '@droppio/tips';
import type { PageSettings } from './settings.js';
import { nextFrame, watchAir } from './surroundings.js';

/** Whether this page is one that viewers see, and the one of its overlay that sounds. */
export class PageAir {
  private readonly onAir: OnAir;
  /** For pages on the stream: a preview takes none from them. */
  private readonly lease: PrimaryLease | undefined;

  constructor(
    { token, preview }: Pick<PageSettings, 'token' | 'preview'>,
    instance: string | number,
    private readonly clock: Clock,
    inbox: Pick<TipInbox, 'setOnAir'>,
  ) {
    this.onAir = new OnAir(
      clock,
      (isOnAir) => {
        inbox.setOnAir(isOnAir);
      },
      (isPreferred) => {
        this.lease?.setOnAir(isPreferred);
      },
    );
    const around: LeaseSurroundings = {
      // Missing on plain http, which TypeScript does not know.
      locks: 'locks' in navigator ? navigator.locks : undefined,
      openChannel: (name) => new BroadcastChannel(name),
      clock,
      changed: () => {
        this.onAir.hint({ isPrimary: this.isPrimary });
      },
    };
    this.lease = preview === undefined ? new PrimaryLease(token, instance, around) : undefined;
  }

  /** What the creator wants on one page only is in a preview as well. */
  get isPrimary(): boolean {
    return this.lease?.isPrimary ?? true;
  }

  /** How long this page has been seen, all in all. */
  get seenMs(): number {
    return this.onAir.totalMs;
  }

  /** `streamed`: OBS says whether it is on what is streamed or recorded. */
  start(streamed: (isActive: boolean) => void): void {
    watchAir(this.onAir, this.clock, streamed);
    addEventListener('pagehide', () => {
      this.lease?.end();
    });
    this.onAir.hint({ isPrimary: this.isPrimary });
  }

  configure({ catchUp, instances }: WornConfig): void {
    this.onAir.configure({ onlyWhileLive: catchUp.onlyWhileLive, onlyPrimary: instances === 'primary-only' });
  }

  /** False when none came in time: nobody can see this page. */
  frame(): Promise<boolean> {
    return nextFrame(this.onAir, this.clock);
  }
}
