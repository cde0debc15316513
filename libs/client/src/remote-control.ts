import type { EventFrame } from '@droppio/protocol';
import type { CursorStore } from './cursor-store.js';

export interface RemoteControlled {
  /** End what is on the screen now. */
  skip(): void;
  /** Drop what waits. */
  clear(): void;
  pause(paused: boolean): void;
  mute(muted: boolean): void;
  /** Load the page anew when nothing is on the screen. */
  reload(): void;
}

export const CONTROL_ACTIONS = ['skip', 'clear', 'pause', 'resume', 'mute', 'unmute', 'reload'] as const;

/** A command that came later than this was about something else. */
const LATE_MS = 5000;

/**
 * The creator's commands to the page. Pause and mute are remembered over reloads; where the overlay's config speaks of them it is the
 * server's word, and the last word counts. A command of another kind is ignored: it is from a newer server.
 */
export class RemoteControl {
  constructor(
    private readonly store: CursorStore,
    private readonly target: RemoteControlled,
  ) {}

  /** Takes up what was last said. */
  restore(): void {
    const { paused, muted } = this.store.load();
    this.target.pause(paused === true);
    this.target.mute(muted === true);
  }

  configure({ paused, muted }: { readonly paused?: boolean | undefined; readonly muted?: boolean | undefined }): void {
    if (paused !== undefined) this.pause(paused);
    if (muted !== undefined) this.mute(muted);
  }

  /** `ageMs`: how long ago it was said. A page that asks again and again hears of everything as of something that it missed. */
  obey(frame: Extract<EventFrame, { type: 'control' }>, ageMs = Number.POSITIVE_INFINITY): void {
    const isOver = frame.replay === true && ageMs > LATE_MS;
    const action = CONTROL_ACTIONS.find((known) => known === frame.d.action);
    switch (action) {
      case 'skip':
        // The alert that was meant is long over.
        if (!isOver) this.target.skip();
        break;
      case 'clear':
        this.target.clear();
        break;
      case 'pause':
      case 'resume':
        this.pause(action === 'pause');
        break;
      case 'mute':
      case 'unmute':
        this.mute(action === 'mute');
        break;
      case 'reload':
        // A page that comes back was loaded since.
        if (!isOver) this.target.reload();
        break;
      case undefined:
        break;
    }
  }

  private pause(paused: boolean): void {
    this.store.save({ paused });
    this.target.pause(paused);
  }

  private mute(muted: boolean): void {
    this.store.save({ muted });
    this.target.mute(muted);
  }
}
