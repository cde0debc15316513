import { randomBytes } from 'node:crypto';
import { HouseClient, type House, type TestCreator } from '@droppio/e2e/houses';
import type { OverlayConfig } from '@droppio/tips';
import type { Browser, Page } from 'playwright-core';

/** As short as the API lets an alert be, so that a run ends. */
export const ALERT_MS = 2000;

type Look = { readonly [Field in keyof OverlayConfig['defaults']]?: OverlayConfig['defaults'][Field] };

/** A creator whose alerts are short; their looks are otherwise those that every overlay begins with. */
export async function aCreator(house: House, look: Look = {}): Promise<TestCreator> {
  const client = new HouseClient(house);
  const creator = await client.creator();
  const response = await fetch(`${house.apiUrl}/v1/overlays/${creator.overlayId}/config`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${creator.accessToken}`, 'content-type': 'application/json', 'if-match': '*' },
    body: JSON.stringify({ schemaVersion: 1, defaults: { durationMs: ALERT_MS, ...look } }),
    signal: AbortSignal.timeout(15_000),
  });
  if (!response.ok) throw new Error(`the overlay's config was refused: ${await response.text()}`);
  return creator;
}

export interface StagePlan {
  readonly width?: number;
  readonly height?: number;
  /** Run before the page's own scripts. */
  readonly script: string;
  readonly isTimeFaked?: boolean;
  /** Done before the page is opened. */
  readonly prepare?: (page: Page) => Promise<void>;
}

/** The overlay's page as OBS has it: a window of its own, visible, 1920×1080. */
export async function openPage(browser: Browser, url: string, plan: StagePlan): Promise<Page> {
  const { width = 1920, height = 1080, script, isTimeFaked = false, prepare } = plan;
  const context = await browser.newContext({ viewport: { width, height } });
  const page = await context.newPage();
  if (isTimeFaked) await page.clock.install();
  await prepare?.(page);
  await page.addInitScript(script);
  await page.goto(url);
  await page.waitForSelector('body[data-connection="open"]', { state: 'attached', timeout: 20_000 });
  return page;
}

/** No two messages of a run are alike. */
export const aMessage = (): string => `tip ${randomBytes(6).toString('hex')}`;
