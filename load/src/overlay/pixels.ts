import type { House, TestCreator } from '@droppio/e2e/houses';
import { openWallet, sendTip } from '@droppio/tip-jar';
import { within } from '@droppio/tips';
import type { Browser, Page } from 'playwright-core';
import { HeadEar } from '../head-ear.js';
import { aCreator, aMessage, ALERT_MS, openPage } from './stage.js';

const CREATORS = 5;
const GWEI = 1_000_000_000n;
const SHOWN_WITHIN_MS = 20_000;

/** Milliseconds after a stranger with a socket heard of the tip's block. */
export interface Showing {
  /** The alert entered the page. */
  readonly dom: number;
  /** The frame that draws it was handed to the screen. */
  readonly pixels: number;
}

/**
 * Notes when a message entered the page, and when the frame after that was drawn: a task queued within an animation frame runs once that
 * frame is done. Unix milliseconds, fractional.
 */
const WATCH = `
  const now = () => performance.timeOrigin + performance.now();
  const noted = new WeakSet();
  new MutationObserver(() => {
    const at = now();
    for (const alert of document.querySelectorAll('[data-alert]')) {
      if (noted.has(alert)) continue;
      noted.add(alert);
      const message = alert.querySelector('[data-message]')?.textContent ?? '';
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => { void window.noteShowing(message, at, now()); };
        port2.postMessage(0);
      });
    }
  }).observe(document, { subtree: true, childList: true });
`;

/** Tips of several creators, each on a page of its own, one at a time on each page; `tips` in all. */
export async function blockToPixels(house: House, browser: Browser, tips: number): Promise<readonly Showing[]> {
  const ear = await HeadEar.open(house.chain.wsUrl);
  try {
    const runs = Array.from({ length: CREATORS }, async (_, index) => {
      const creator = await aCreator(house);
      const audience = new Audience();
      const page = await openPage(browser, creator.pageUrl, { script: WATCH, prepare: (blank) => audience.watch(blank) });
      try {
        return await showEach({ house, ear, audience, creator, tipper: index }, Math.ceil(tips / CREATORS));
      } finally {
        await page.context().close();
      }
    });
    return (await Promise.all(runs)).flat();
  } finally {
    ear.close();
  }
}

/** Hears from a page what came up on it. Its content security policy forbids to ask it by text. */
class Audience {
  private readonly seen = new Map<string, Showing>();
  private readonly waiting = new Map<string, (showing: Showing) => void>();

  async watch(page: Page): Promise<void> {
    await page.exposeFunction('noteShowing', (message: string, dom: number, pixels: number) => {
      this.seen.set(message, { dom, pixels });
      this.waiting.get(message)?.({ dom, pixels });
    });
  }

  async saw(message: string): Promise<Showing> {
    const seen = this.seen.get(message);
    if (seen !== undefined) return seen;
    return within(SHOWN_WITHIN_MS, message, new Promise<Showing>((resolve) => this.waiting.set(message, resolve)));
  }
}

interface Run {
  readonly house: House;
  readonly ear: HeadEar;
  readonly audience: Audience;
  readonly creator: TestCreator;
  readonly tipper: number;
}

async function showEach({ house, ear, audience, creator, tipper }: Run, tips: number): Promise<Showing[]> {
  const { rpcUrl, jar, tippers } = house.chain;
  const account = tippers[tipper];
  if (account === undefined) throw new Error('no such tipper');
  const wallet = await openWallet({ rpcUrl, privateKey: account.privateKey, pollMs: 20 });
  const showings: Showing[] = [];
  for (let n = 0; n < tips; n += 1) {
    const message = aMessage();
    const hash = await sendTip(wallet, { jar, creator: creator.wallet, amount: GWEI, message });
    const { dom, pixels } = await audience.saw(message);
    // Only now: asking the node for it before would keep it busy while it is measured.
    const { blockNumber } = await wallet.getTransactionReceipt({ hash });
    const heard = performance.timeOrigin + (await ear.heard(Number(blockNumber)));
    showings.push({ dom: dom - heard, pixels: pixels - heard });
    // Until it has left and the next one may come at once, a little out of step with the other pages.
    await new Promise((resolve) => setTimeout(resolve, ALERT_MS + 300 + Math.random() * 200));
  }
  return showings;
}
