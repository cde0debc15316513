import type { BrowserContext, Browser, Page } from 'playwright-core';
import { parsePollAnswer, parseServerFrame, POLL_PATH, type ServerFrame } from '@droppio/protocol';
import type { Journal } from '../journals/journal.js';
import { eventOf } from './crowd-overlay.js';
import { HURRY, LISTEN, NO_SOCKETS, WATCH } from './in-page.js';

const OPEN_MS = 30_000;

/**
 * A browser source: the real page in a real Chromium. What it has on the screen is told by the DOM; what it was sent, on whichever way,
 * by the browser.
 */
export class ScreenPage {
  private page: Page | undefined;
  private isKnown = false;
  private epoch = '';
  /** The newest event that it was sent, or told that it will not be. */
  place = -1;

  private constructor(
    readonly who: string,
    private readonly context: BrowserContext,
    private readonly url: string,
    private readonly journal: Journal,
  ) {}

  /** `way`: `http` where the network lets no WebSocket through. */
  static async open(
    browser: Browser,
    address: { readonly url: string; readonly way: 'any' | 'http' },
    who: string,
    journal: Journal,
  ): Promise<ScreenPage> {
    // Small and without motion: what counts here is what is drawn and when, and the machine is the house's.
    const context = await browser.newContext({ viewport: { width: 320, height: 180 }, reducedMotion: 'reduce' });
    const { url, way } = address;
    await context.addInitScript({ content: `(() => { ${HURRY} ${WATCH} ${LISTEN} ${way === 'http' ? NO_SOCKETS : ''} })();` });
    return ScreenPage.beside(context, who, url, journal);
  }

  /** Another source in the same browser profile: they share what is stored. */
  static async beside(context: BrowserContext, who: string, url: string, journal: Journal): Promise<ScreenPage> {
    const screen = new ScreenPage(who, context, url, journal);
    await screen.visit();
    await screen.connected();
    return screen;
  }

  twin(who: string): Promise<ScreenPage> {
    return ScreenPage.beside(this.context, who, this.url, this.journal);
  }

  async reload(): Promise<void> {
    await this.page?.reload();
    await this.connected();
  }

  /** The renderer dies, whatever it is in the middle of. */
  async crash(): Promise<void> {
    const { page } = this;
    if (page === undefined) return;
    const gone = page.waitForEvent('crash');
    const devtools = await this.context.newCDPSession(page);
    devtools.send('Page.crash').catch(() => undefined);
    await gone;
    await page.close();
    await this.visit();
    await this.connected();
  }

  /** Resolves with true the moment an alert is on its screen; with false when none is within this time. */
  async showing(ms: number): Promise<boolean> {
    const alert = await this.page?.waitForSelector('[data-alert]', { state: 'attached', timeout: ms }).catch(() => undefined);
    return alert !== undefined;
  }

  /** Nothing is on its screen. */
  async isEmpty(): Promise<boolean> {
    return (await this.page?.locator('[data-alert]').count()) === 0;
  }

  async connected(): Promise<void> {
    await this.page?.waitForSelector('body[data-connection="open"]', { state: 'attached', timeout: OPEN_MS });
  }

  async closePage(): Promise<void> {
    await this.page?.close();
  }

  private async visit(): Promise<void> {
    const page = await this.context.newPage();
    this.page = page;
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => {
        this.hear(parseServerFrame(String(payload)));
      });
    });
    await page.exposeFunction('proofHeard', (path: string, text: string) => {
      if (path.endsWith(POLL_PATH)) for (const frame of parsePollAnswer(text)?.frames ?? []) this.hear(frame);
      else for (const [, data = ''] of text.matchAll(DATA)) this.hear(parseServerFrame(data));
    });
    await page.exposeFunction('proofShown', (id: string, tips: string, text: string, resumed: boolean) => {
      if (id !== '') this.journal.write({ kind: 'shown', who: this.who, id, text, resumed });
      else if (!resumed) this.journal.write({ kind: 'card', who: this.who, tips: Number(tips) });
    });
    await page.exposeFunction('proofGone', () => {
      this.journal.write({ kind: 'gone', who: this.who });
    });
    await page.goto(this.url);
  }

  private hear(frame: ServerFrame | undefined): void {
    if (frame?.op === 'ready') {
      this.epoch = frame.epoch;
      this.place = Math.max(this.place, frame.from - 1);
      if (!this.isKnown) this.journal.write({ kind: 'ready', who: this.who, epoch: frame.epoch, seq: frame.from - 1, first: true });
      this.isKnown = true;
    }
    if (frame?.op === 'event') {
      this.place = Math.max(this.place, frame.seq);
      this.journal.write({ ...eventOf(frame, this.epoch), kind: 'wire', who: this.who });
    }
    if (frame?.op === 'gap') {
      this.place = Math.max(this.place, frame.to);
      this.journal.write({ kind: 'gap', who: this.who, from: frame.from, to: frame.to });
    }
  }
}

/** A stream's events: the gateway writes each field on one line. */
const DATA = /^data: ?(.*)$/gm;
