import type { House } from '@droppio/e2e/houses';
import { openWallet } from '@droppio/tip-jar';
import { deployContract, tipBatchAbi, tipBatchBytecode } from '@droppio/tip-jar/testing';
import type { Browser } from 'playwright-core';
import * as z from 'zod';
import { aCreator, aMessage, openPage } from './stage.js';

const QUEUED = 50;
const REST_SEC = 4;
const BUSY_SEC = 8;

const Frames = z.array(z.number());

export interface FrameTimes {
  /** Milliseconds between two frames while nothing is shown. */
  readonly idle: readonly number[];
  /** The same from the moment before the alerts come until the first have been shown. */
  readonly queued: readonly number[];
}

const WATCH = `
  window.beats = [];
  let last = performance.now();
  const beat = (at) => { window.beats.push(at - last); last = at; requestAnimationFrame(beat); };
  requestAnimationFrame(beat);
`;

/** Fifty tips in one transaction while frames are counted: their alerts wait, fold and play. */
export async function frameTimes(house: House, browser: Browser): Promise<FrameTimes> {
  const creator = await aCreator(house);
  const page = await openPage(browser, creator.pageUrl, { script: WATCH });
  const account = house.chain.tippers[0];
  if (account === undefined) throw new Error('the dev chain has no accounts');
  const wallet = await openWallet({ rpcUrl: house.chain.rpcUrl, privateKey: account.privateKey, pollMs: 20 });
  const batch = await deployContract(wallet, tipBatchBytecode);
  const collect = async (): Promise<number[]> =>
    Frames.parse(
      await page.evaluate((): unknown => {
        const beats: unknown = Reflect.get(globalThis, 'beats');
        Reflect.set(globalThis, 'beats', []);
        return beats;
      }),
    );
  await collect();
  await pause(REST_SEC);
  const idle = await collect();
  const creators = Array.from({ length: QUEUED }, () => creator.wallet);
  const args = [house.chain.jar, creators, aMessage()] as const;
  await wallet.writeContract({ address: batch, abi: tipBatchAbi, functionName: 'tipAll', args, value: BigInt(QUEUED), gas: 10_000_000n });
  await page.waitForSelector('[data-alert]', { timeout: 20_000 });
  await pause(BUSY_SEC);
  const queued = await collect();
  await page.context().close();
  return { idle, queued };
}

const pause = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
