import { randomUUID } from 'node:crypto';
import { CloseCode } from '@droppio/protocol';
import { aDisplay } from '@droppio/tips/testing';
import type { Page } from 'playwright-core';
import { describe, it } from 'vitest';
import { until, useTheatre, type Theatre } from './testing/overlay-theatre.js';
import { backdrop, expectPicture } from './testing/doc-pictures.js';
import { still } from './testing/stills.js';

const theatre = useTheatre();
/** As in OBS. */
async function source(): Promise<Page> {
  await theatre.resize(560, 220);
  await theatre.context.addInitScript(() => Reflect.set(window, 'obsstudio', { pluginVersion: '2.26.4' }));
  return (await theatre.spectate()).page;
}

const eth = (raw: string) => ({ ...aDisplay().amount, chainId: 8453, raw });
const USDC = { chainId: 8453, token: `0x${'83'.repeat(20)}`, decimals: 6, symbol: 'USDC' };
const config = {
  schemaVersion: 1,
  canvas: { anchor: 'center', scale: 1.6, maxWidthPct: 95 },
  defaults: { durationMs: 30_000, show: { chain: true } },
  tiers: [
    {
      id: 'big',
      when: { all: [{ field: 'amount', chainId: USDC.chainId, token: USDC.token, op: '>=', raw: '50000000' }] },
      override: {
        template: 'WOW! {name} dropped {amount} {symbol}',
        font: { family: 'Bangers', sizePx: 58, weight: 400, accent: '#fde047', outline: { color: '#1e1033', widthPx: 3 } },
        card: { background: '#5b21b6e6', radiusPx: 10, border: { color: '#fde047', widthPx: 4 } },
        textEffect: 'glow',
      },
    },
  ],
};

const states: readonly (readonly [string, string, (stage: Theatre, page: Page) => unknown])[] = [
  [
    'alert',
    'mika.eth',
    (stage) => stage.tip({ amount: eth('25000000000000000'), message: 'That boss fight was unreal, gg! 🎉', usd: '84.5' }, 'mika.eth'),
  ],
  [
    'big-tier',
    'WOW!',
    (stage) => stage.tip({ amount: { ...USDC, raw: '250000000' }, message: 'Get yourself that new chair.' }, 'nadia.eth'),
  ],
  [
    'digest',
    'while you were away',
    (stage) =>
      stage.gateway.publish({
        type: 'summary',
        d: { tips: 12, totals: [eth('310000000000000000'), { ...USDC, raw: '42500000' }] },
      }),
  ],
  [
    'test-alert',
    'TEST',
    (stage) => {
      const d = { ...aDisplay(), name: 'mika.eth', amount: eth('25000000000000000'), message: 'Can you hear it?' };
      stage.gateway.publish({ type: 'test', id: randomUUID(), at: { seen: Date.now() }, ttlMs: 600_000, d });
    },
  ],
];

describe('the pictures in the docs', () => {
  it.each(states)('%s', async (name, words, make) => {
    theatre.gateway.config = config;
    const page = await source();
    await backdrop(page);
    make(theatre, page);
    await page.locator('[data-alert]', { hasText: words }).waitFor({ state: 'attached' });
    expectPicture(await still(page, 1600), `overlay-${name}`);
  });

  it('reconnecting: a dot, and nothing else', async () => {
    const page = await source();
    await page.clock.install();
    await page.reload();
    await page.waitForSelector('body[data-connection="open"]');
    theatre.gateway.refuseWith = CloseCode.overloaded;
    theatre.gateway.cut();
    await page.waitForSelector('body[data-connection="connecting"]');
    await page.clock.runFor(31_000);
    await until(() => page.locator('#link-dot').isVisible());
    await backdrop(page);
    expectPicture(await still(page, 0), 'overlay-reconnecting');
  });
});
