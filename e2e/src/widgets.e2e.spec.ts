import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import { HouseClient, startStandalone, type House } from './houses/index.js';
import { OverlaySource } from './overlay-source.js';
import { startBrowser } from './services/browser.js';

const CENT = 10n ** 16n;
const WAIT = { timeout: 30_000, interval: 50 };
const Made = z.object({ id: z.string() });
const Links = z.object({ pageUrl: z.string() });
const Result = z.object({ result: z.unknown() });

describe('the widgets of a stream, on the standalone', () => {
  let browser: Browser;
  let house: House;

  beforeAll(async () => {
    browser = await startBrowser(inject('chromiumPath'));
    house = await startStandalone({ anvilPath: inject('anvilPath') });
  });
  afterAll(async () => {
    await browser.close();
    await house.stop();
  });

  async function rpc(method: string, ...params: readonly unknown[]): Promise<unknown> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(house.chain.rpcUrl, { method: 'POST', headers, body, signal: AbortSignal.timeout(10_000) });
    return Result.parse(await response.json()).result;
  }

  it('count tips as they come, and take back what a reorganisation takes back', async () => {
    const [client, other] = [new HouseClient(house, 0), new HouseClient(house, 1)];
    const creator = await client.creator();
    const eth = { unit: 'token', chainId: house.chain.chainId, token: `0x${'00'.repeat(20)}`, symbol: 'ETH', decimals: 18 };
    const open = async (config: object): Promise<OverlaySource> => {
      const made = Made.parse(
        await client.call('POST', '/v1/overlays', creator.accessToken, { name: 'widget', config: { schemaVersion: 1, ...config } }),
      );
      const links = Links.parse(await client.call('GET', `/v1/overlays/${made.id}/url`, creator.accessToken));
      return OverlaySource.open(browser, links.pageUrl);
    };
    const goal = await open({ widget: 'goal', goal: { ...eth, title: 'A goal', target: (CENT * 10n).toString() } });
    const ticker = await open({ widget: 'ticker' });
    const top = await open({ widget: 'top', top: { ...eth, period: 'day' } });
    const texts = (page: Page, part: string): Promise<string[]> => page.locator(`#widget [data-${part}]`).allTextContents();
    const stands = async (amount: string, messages: readonly string[], amounts: readonly string[]): Promise<void> => {
      await expect.poll(() => texts(goal.page, 'goal-amount'), WAIT).toEqual([amount]);
      await expect.poll(() => texts(ticker.page, 'row-message'), WAIT).toEqual(messages);
      await expect.poll(() => texts(top.page, 'row-amount'), WAIT).toEqual(amounts);
    };

    await stands('0 ETH', [], []);
    await client.tip(creator, CENT, 'the first');
    await other.tip(creator, 3n * CENT, 'the <b>second</b>');
    await stands('0.04 ETH', ['the <b>second</b>', 'the first'], ['0.03 ETH', '0.01 ETH']);

    const before = await rpc('evm_snapshot');
    await client.tip(creator, 5n * CENT, 'not for long');
    await stands('0.09 ETH', ['not for long', 'the <b>second</b>', 'the first'], ['0.06 ETH', '0.03 ETH']);
    await rpc('evm_revert', before);
    for (let block = 0; block < 3; block += 1) await rpc('evm_mine');
    await stands('0.04 ETH', ['the <b>second</b>', 'the first'], ['0.03 ETH', '0.01 ETH']);

    for (const { page } of [goal, ticker, top]) await page.reload();
    await stands('0.04 ETH', ['the <b>second</b>', 'the first'], ['0.03 ETH', '0.01 ETH']);
    expect([goal, ticker, top].flatMap((source) => source.console)).toEqual([]);
    for (const source of [goal, ticker, top]) await source.close();
  });
});
