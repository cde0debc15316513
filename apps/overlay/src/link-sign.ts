import type { ConnectionState } from '@droppio/client';
import type { Clock } from '@droppio/tips';

const PATIENCE_MS = 30_000;

/** Says as little as possible: viewers see this page. A small dot when the link has been away for long, words only where no viewer can be. */
export class LinkSign {
  private away: AbortController | undefined;
  private isDotAllowed = true;

  constructor(
    private readonly document: Document,
    private readonly clock: Clock,
    /** Viewers see it. */
    private readonly isOnStream: boolean,
  ) {}

  show(state: ConnectionState): void {
    this.document.body.dataset['connection'] = state.kind;
    if (state.kind === 'stopped') this.explain(`This overlay is not connected: ${reasonOf(state)}`);
    if (state.kind === 'open' || state.kind === 'resting') {
      this.away?.abort();
      this.away = undefined;
      this.setDot(false);
      return;
    }
    if (this.away !== undefined) return;
    const away = (this.away = new AbortController());
    void this.clock.sleep(PATIENCE_MS, away.signal).then(() => {
      if (this.away === away) this.setDot(true);
    });
  }

  allowDot(allowed: boolean): void {
    this.isDotAllowed = allowed;
    if (!allowed) this.setDot(false);
  }

  /** Nobody is to take this page for the one on the stream. */
  preview(): void {
    const word = this.document.getElementById('preview');
    if (word !== null) word.hidden = false;
  }

  /** There is nothing to connect with. */
  refuse(words: string): void {
    this.document.body.dataset['connection'] = 'stopped';
    this.explain(words);
  }

  private explain(words: string): void {
    const notice = this.document.getElementById('notice');
    if (notice === null || this.isOnStream) return;
    notice.textContent = words;
    notice.hidden = false;
  }

  private setDot(visible: boolean): void {
    const dot = this.document.getElementById('link-dot');
    if (dot !== null) dot.hidden = !visible || !this.isDotAllowed;
  }
}

function reasonOf({ code }: { code: number }): string {
  switch (code) {
    case 4500:
      return 'its address is wrong or was replaced by a new one.';
    case 4504:
      return 'it is open in too many places.';
    case 4505:
      return 'this page is out of date. Reload it.';
    case 4506:
      return 'it is switched off.';
    default:
      return `the server refused it (${String(code)}).`;
  }
}
