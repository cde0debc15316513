import type { Browser, Page } from 'playwright-core';

export interface ShownAlert {
  readonly tipId: string;
  readonly text: string;
}

/** An OBS browser source: the overlay page in a real browser, with every alert that ever appeared on it noted, reloads included. */
export class OverlaySource {
  private readonly alerts: ShownAlert[] = [];
  readonly console: string[] = [];

  private constructor(readonly page: Page) {}

  static async open(browser: Browser, url: string): Promise<OverlaySource> {
    const context = await browser.newContext({ viewport: { width: 1920, height: 1080 } });
    const page = await context.newPage();
    const source = new OverlaySource(page);
    page.on('console', (message) => source.console.push(message.text()));
    page.on('pageerror', (error) => source.console.push(String(error)));
    await page.exposeFunction('noteAlert', (tipId: string, text: string) => {
      source.alerts.push({ tipId, text });
    });
    await page.addInitScript(WATCH_ALERTS);
    await page.goto(url);
    await source.connected();
    return source;
  }

  /** Alerts in the order in which they came up. */
  get shown(): readonly ShownAlert[] {
    return this.alerts;
  }

  async connected(): Promise<void> {
    await this.page.waitForSelector('body[data-connection="open"]', { state: 'attached', timeout: 15_000 });
  }

  async alert(text: string): Promise<void> {
    await this.page.waitForFunction((wanted) => document.querySelector('[data-alert]')?.textContent.includes(wanted) === true, text, {
      timeout: 30_000,
    });
    // It is noted with its first frame: in the one after that this page has said so.
    await this.page.evaluate(
      () =>
        new Promise((resolve) => {
          requestAnimationFrame(() => requestAnimationFrame(resolve));
        }),
    );
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.connected();
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}

/** Runs in the page before its own scripts: tells about each alert once, at its first frame. What goes on after a reload is no other showing. */
const WATCH_ALERTS = `
  const noted = new WeakSet();
  const look = () => {
    for (const alert of document.querySelectorAll('[data-alert][data-tip-id]:not([data-resumed])')) {
      if (noted.has(alert)) continue;
      noted.add(alert);
      requestAnimationFrame(() => window.noteAlert(alert.dataset.tipId, alert.textContent));
    }
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-tip-id'] });
`;
