import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/index.js';

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi(inject('postgresUrl'));
});

afterAll(() => api.close());

describe('the docs page', () => {
  it('draws every operation in a browser, from this server alone and under its own policy', async () => {
    const browser = await chromium.launch({ executablePath: inject('chromiumPath'), args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      const foreign: string[] = [];
      const complaints: string[] = [];
      page.on('request', (request) => {
        if (!request.url().startsWith(api.url) && !request.url().startsWith('data:')) foreign.push(request.url());
      });
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.goto(`${api.url}/docs`);
      await page.waitForSelector('.opblock');
      const { paths, webhooks } = (await api.call('GET', '/openapi.json')).json as Record<'paths' | 'webhooks', Record<string, object>>;
      const operations = [paths, webhooks].flatMap((kind) => Object.values(kind)).flatMap((operation) => Object.keys(operation)).length;
      expect(await page.locator('.opblock').count()).toBe(operations);
      expect(complaints).toEqual([]);
      expect(foreign).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
