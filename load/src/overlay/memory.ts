import type { House, TestCreator } from '@droppio/e2e/houses';
import { openWallet, type TipWallet } from '@droppio/tip-jar';
import { deployContract, tipBatchAbi, tipBatchBytecode } from '@droppio/tip-jar/testing';
import type { Hex } from '@droppio/tips';
import type { Browser, CDPSession, Page } from 'playwright-core';
import * as z from 'zod';
import { aCreator, aMessage, ALERT_MS, openPage } from './stage.js';

/** Fewer than are folded into one card. */
const BATCH = 10;
/** What an alert takes of the page's own time, the gap behind it included, and a little over. */
const EACH_MS = ALERT_MS + 500;

export interface Footprint {
  readonly alerts: number;
  /** Of JavaScript, after a collection. */
  readonly heapBytes: number;
  readonly nodes: number;
  readonly listeners: number;
}

const WATCH = `
  window.played = 0;
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) if (node.matches?.('[data-alert]')) window.played += 1;
  }).observe(document, { subtree: true, childList: true });
`;

/** Real tips, played one by one on one page whose clock is hurried; a footprint after every tenth of them. */
export async function memoryOf(house: House, browser: Browser, alerts: number): Promise<readonly Footprint[]> {
  const creator = await aCreator(house);
  const page = await openPage(browser, creator.pageUrl, { script: WATCH, isTimeFaked: true });
  const session = await page.context().newCDPSession(page);
  const purse = await openPurse(house);
  const footprints: Footprint[] = [];
  for (let played = 0; played < alerts;) {
    await purse.tip(creator, BATCH);
    played += BATCH;
    await playUntil(page, played);
    if (played % Math.max(BATCH, Math.round(alerts / 10)) === 0) footprints.push(await footprint(session, played));
  }
  await page.context().close();
  return footprints;
}

async function playUntil(page: Page, alerts: number): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const played = z.number().parse(await page.evaluate((): unknown => Reflect.get(globalThis, 'played')));
    if (played > alerts) throw new Error(`${String(played)} alerts were shown for ${String(alerts)} tips`);
    if (played === alerts) break;
    if (Date.now() > deadline) throw new Error(`${String(played)} alerts of ${String(alerts)} were shown within a minute`);
    await page.clock.runFor(EACH_MS / 2);
  }
  await page.clock.runFor(EACH_MS);
}

async function footprint(session: CDPSession, alerts: number): Promise<Footprint> {
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  const { nodes, jsEventListeners } = await session.send('Memory.getDOMCounters');
  return { alerts, heapBytes: usedSize, nodes, listeners: jsEventListeners };
}

interface Purse {
  tip(creator: TestCreator, tips: number): Promise<void>;
}

/** Several tips in one transaction. */
async function openPurse(house: House): Promise<Purse> {
  const account = house.chain.tippers[1];
  if (account === undefined) throw new Error('the dev chain has no accounts');
  const wallet: TipWallet = await openWallet({ rpcUrl: house.chain.rpcUrl, privateKey: account.privateKey, pollMs: 20 });
  const batch: Hex = await deployContract(wallet, tipBatchBytecode);
  return {
    async tip(creator, tips) {
      const args = [house.chain.jar, Array.from({ length: tips }, () => creator.wallet), aMessage()] as const;
      await wallet.writeContract({ address: batch, abi: tipBatchAbi, functionName: 'tipAll', args, value: BigInt(tips), gas: 5_000_000n });
    },
  };
}
