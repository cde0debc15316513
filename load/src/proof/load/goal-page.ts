import type { HouseClient, TestCreator } from '@droppio/e2e/houses';
import type { Browser, Page } from 'playwright-core';
import * as z from 'zod';
import type { GoalRow } from '../checker/history.js';
import { CHAIN_ID } from '../house/house-plan.js';
import { monotonicMs } from '../journals/monotonic.js';

const Made = z.object({ id: z.string() });
const Links = z.object({ pageUrl: z.string() });
const OPEN_MS = 30_000;
/** A bar that is unsure asks the API, which takes it a moment. */
const CALM_MS = 5000;
const PATIENCE_MS = 30_000;
const LOOK_MS = 250;

/** The widget of a goal in a real Chromium. It counts in smallest units, so that every one of them is on the screen. */
export class GoalPage {
  private constructor(
    private readonly who: string,
    private readonly creatorId: string,
    private readonly page: Page,
  ) {}

  static async open(browser: Browser, client: HouseClient, { id, accessToken }: TestCreator): Promise<GoalPage> {
    const coin = { unit: 'token', chainId: CHAIN_ID, token: `0x${'00'.repeat(20)}`, symbol: 'wei', decimals: 0 };
    const config = { schemaVersion: 1, widget: 'goal', goal: { ...coin, title: 'A goal', target: `1${'0'.repeat(24)}` } };
    const { id: overlayId } = Made.parse(await client.call('POST', '/v1/overlays', accessToken, { name: 'Goal', config }));
    const { pageUrl } = Links.parse(await client.call('GET', `/v1/overlays/${overlayId}/url`, accessToken));
    const page = await browser.newPage({ viewport: { width: 640, height: 120 } });
    await page.goto(pageUrl);
    await page.waitForSelector('body[data-connection="open"]', { state: 'attached', timeout: OPEN_MS });
    await page.waitForSelector('#widget [data-goal-amount]', { state: 'attached', timeout: OPEN_MS });
    return new GoalPage('goal-0', id, page);
  }

  /** What its bar says once it says the same for a while. */
  async row(): Promise<GoalRow> {
    const { who, creatorId } = this;
    const end = monotonicMs() + PATIENCE_MS;
    let said = await this.amount();
    for (let since = monotonicMs(); monotonicMs() - since < CALM_MS && monotonicMs() < end;) {
      await this.page.waitForTimeout(LOOK_MS);
      const now = await this.amount();
      if (now !== said) since = monotonicMs();
      said = now;
    }
    return { who, creatorId, amount: said };
  }

  private async amount(): Promise<string> {
    const text = (await this.page.locator('#widget [data-goal-amount]').textContent()) ?? '';
    return /^([\d,]+) wei$/.exec(text)?.[1]?.replaceAll(',', '') ?? text;
  }
}
