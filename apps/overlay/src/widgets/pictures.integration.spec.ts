import { DEFAULT_OVERLAY_CONFIG } from '@droppio/tips';
import { describe, it } from 'vitest';
import { backdrop, expectPicture } from '../testing/doc-pictures.js';
import { useTheatre } from '../testing/overlay-theatre.js';
import { still } from '../testing/stills.js';
import { WidgetStand, type WidgetChange } from '../testing/widget-stand.js';

const theatre = useTheatre();
const eth = { unit: 'token' as const, chainId: 31_337, token: `0x${'00'.repeat(20)}` as const, symbol: 'ETH', decimals: 18 };
const CENT = 10n ** 16n;
const TIPS = [
  ['nadia.eth', 42n, 'for the new mic, you deserve it 🎤'],
  ['mika.eth', 125n, 'That boss fight was unreal, gg!'],
  ['0x8f3c…9a1b', 8n, ''],
  ['bob.base.eth', 31n, 'happy birthday 🎂 see you next week'],
] as const;

const widgets: readonly (readonly [WidgetChange['widget'] & string, WidgetChange])[] = [
  ['goal', { goal: { ...eth, title: 'New microphone', target: (300n * CENT).toString(), start: '0', since: null } }],
  ['ticker', { ticker: { ...DEFAULT_OVERLAY_CONFIG.ticker, count: 4 } }],
  ['top', { top: { ...eth, title: 'Top tippers', count: 4, period: 'month' } }],
];

describe('the pictures of widgets in the docs', () => {
  it.each(widgets)('%s', async (widget, change) => {
    await theatre.resize(560, 220);
    const canvas = { ...DEFAULT_OVERLAY_CONFIG.canvas, anchor: 'center' as const, maxWidthPct: 95 };
    const stand = new WidgetStand(theatre, { widget, canvas, ...change });
    for (const [n, [name, cents, message]] of TIPS.entries()) stand.before(name, cents * CENT, 61 - n * 20, { message });
    const { page } = await theatre.spectate();
    await page.waitForSelector(`[data-${widget}]`);
    await backdrop(page);
    expectPicture(await still(page, 5000), `overlay-${widget}`);
  });
});
