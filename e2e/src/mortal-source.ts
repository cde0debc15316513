import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { startChild, type Child } from './services/child.js';
import { FLAGS } from './services/browser.js';

declare global {
  interface Window {
    sighted?: (sighting: Sighting) => Promise<void>;
  }
}

/** `browser` is a SIGKILL of the whole of Chromium; what it had not put on the disk is gone. */
export const ENDS = ['reload', 'close', 'crash', 'browser'] as const;
export type End = (typeof ENDS)[number];

export interface Sighting {
  readonly tipId: string;
  /** Goes on after an earlier life of the page. */
  readonly resumed: boolean;
}

/** A browser source that is ended again and again, with a profile of its own, and what it had on the screen over all its lives. */
export class MortalSource {
  private readonly seen: Sighting[] = [];
  private child: Child | undefined;
  private browser: Browser | undefined;
  private page: Page | undefined;

  private constructor(
    private readonly executablePath: string,
    private readonly url: string,
    private readonly profile: string,
    /** How many times sooner its timers run out. */
    private readonly pace: number,
  ) {}

  static async open(executablePath: string, url: string, pace: number): Promise<MortalSource> {
    const profile = await mkdtemp(join(tmpdir(), 'droppio-source-'));
    const source = new MortalSource(executablePath, url, profile, pace);
    await source.start();
    // A source that was never there begins with the newest event.
    await source.page?.waitForSelector('body[data-connection="open"]', { state: 'attached', timeout: 20_000 });
    return source;
  }

  /** Everything that was in a frame on the screen, in order. */
  get sightings(): readonly Sighting[] {
    return this.seen;
  }

  async end(how: End): Promise<void> {
    if (how === 'reload') {
      await this.page?.reload();
      return;
    }
    if (how === 'browser') {
      await this.child?.stop('SIGKILL');
      await this.start();
      return;
    }
    if (how === 'crash') {
      const gone = this.page?.waitForEvent('crash');
      const devtools = await this.page?.context().newCDPSession(this.page);
      devtools?.send('Page.crash').catch(() => undefined);
      await gone;
    }
    await this.page?.close();
    await this.visit();
  }

  /** The source is not there for as long as something else takes. */
  async goneFor(meanwhile: () => Promise<void>): Promise<void> {
    await this.page?.goto('about:blank');
    await meanwhile();
    await this.page?.goto(this.url);
  }

  async close(): Promise<void> {
    await this.child?.stop('SIGKILL');
    await rm(this.profile, { recursive: true, force: true, maxRetries: 10 });
  }

  private async start(): Promise<void> {
    const args = [...FLAGS, '--headless', '--remote-debugging-port=0', `--user-data-dir=${this.profile}`, '--no-startup-window'];
    this.child = startChild(this.executablePath, args);
    const [, address = ''] = await this.child.until(/DevTools listening on (\S+)/, 20_000);
    this.browser = await chromium.connectOverCDP(address);
    const context = this.browser.contexts()[0];
    await context?.exposeBinding('sighted', (_source, sighting: Sighting) => {
      this.seen.push(sighting);
    });
    await context?.addInitScript({ content: `(${hurry.toString()})(${String(this.pace)}); (${watch.toString()})();` });
    await this.visit();
  }

  private async visit(): Promise<void> {
    this.page = await this.browser?.contexts()[0]?.newPage();
    await this.page?.goto(this.url);
  }
}

/**
 * In the page, before its own scripts: its timers run out sooner. Not those that wait for the disk (one second and two) and for a frame
 * (three), which are as slow as they are; and its clock is the wall's, as the ages of tips are told by it.
 */
function hurry(pace: number): void {
  const wait = setTimeout;
  window.setTimeout = ((run: () => void, ms = 0) =>
    wait(run, [1000, 2000, 3000].includes(ms) ? ms : ms / pace)) as typeof window.setTimeout;
}

/** Tells about each alert that is on the screen when a frame is drawn. */
function watch(): void {
  const told = new WeakSet<Element>();
  const look = (): void => {
    for (const alert of document.querySelectorAll<HTMLElement>('[data-alert]')) {
      if (told.has(alert)) continue;
      told.add(alert);
      requestAnimationFrame(() => {
        const { tipId = `${alert.dataset['tips'] ?? '?'} tips`, resumed } = alert.dataset;
        if (alert.isConnected) void window.sighted?.({ tipId, resumed: resumed !== undefined });
      });
    }
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true });
}
