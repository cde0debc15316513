import { ManualClock } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { SightDoubt } from './sight-doubt.js';
import { settle } from './testing/scripted-transport.js';

function aSource() {
  const clock = new ManualClock();
  const browser = { isHidden: false, draws: true };
  let doubts = 0;
  const doubt = new SightDoubt({
    clock,
    isHidden: () => browser.isHidden,
    frame: () => Promise.resolve(browser.draws),
    doubted: () => {
      doubts += 1;
    },
  });
  const hide = (isHidden: boolean): void => {
    browser.isHidden = isHidden;
    doubt.look();
  };
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 1000) {
      clock.advance(1000);
      await settle();
    }
  };
  return { browser, doubt, hide, pass, doubts: () => doubts };
}

describe(SightDoubt.name, () => {
  it('believes OBS while the browser says the same, and soon no more when only the browser says that the page is back', async () => {
    const { doubt, hide, pass, doubts } = aSource();
    doubt.heard(false);
    hide(true);
    await pass(7_200_000);
    hide(false);
    await pass(9000);
    expect(doubts()).toBe(0);
    await pass(11_000);
    expect(doubts()).toBe(1);
    await pass(7_200_000);
    expect(doubts()).toBe(1);
    doubt.heard(false);
    await pass(10_000);
    expect(doubts()).toBe(2);
  });

  it('believes OBS for half an hour where the browser has never said that it is hidden', async () => {
    const { doubt, pass, doubts } = aSource();
    doubt.heard(false);
    await pass(1_790_000);
    expect(doubts()).toBe(0);
    await pass(10_000);
    expect(doubts()).toBe(1);
  });

  it('believes OBS for as long as the browser draws nothing, and counts anew when it does', async () => {
    const { browser, doubt, pass, doubts } = aSource();
    browser.draws = false;
    doubt.heard(false);
    await pass(7_200_000);
    browser.draws = true;
    await pass(1_790_000);
    expect(doubts()).toBe(0);
    await pass(10_000);
    expect(doubts()).toBe(1);
  });

  it('has nothing to doubt when OBS says that the page is back', async () => {
    const { doubt, hide, pass, doubts } = aSource();
    hide(true);
    hide(false);
    doubt.heard(false);
    await pass(5000);
    doubt.heard(true);
    await pass(7_200_000);
    expect(doubts()).toBe(0);
  });
});
