import { expect, describe, it } from 'vitest';
import { alertOf, TOKEN, until, useTheatre } from './testing/overlay-theatre.js';

const theatre = useTheatre();

describe('a page in a network that breaks WebSockets', () => {
  it('shows tips by the event stream, and what it missed on the way there', async () => {
    const first = await theatre.spectate();
    const before = theatre.tip();
    await alertOf(first.page, before.tipId).waitFor();
    theatre.gateway.breaksSockets = true;
    theatre.gateway.cut();
    const missed = theatre.tip();
    await alertOf(first.page, missed.tipId).waitFor({ timeout: 15_000 });
    const live = theatre.tip();
    await alertOf(first.page, live.tipId).waitFor();
    expect(theatre.gateway.auths.at(-1)).toMatchObject({ token: TOKEN, cursor: { epoch: 'e1', seq: 1 } });
    expect(theatre.gateway.requests.join()).not.toContain(TOKEN);
    expect([first.foreign, theatre.gateway.violations]).toEqual([[], []]);
  });
});

describe('a page whose creator asks it to rest', () => {
  it('lets go of its connection while OBS does not show it, and misses nothing by that', async () => {
    const { page } = await theatre.spectate({ fragment: `token=${TOKEN}&rest=1` });
    await until(() => theatre.gateway.connections === 1);
    const turn = (active: boolean): Promise<unknown> =>
      page.evaluate((detail) => dispatchEvent(new CustomEvent('obsSourceActiveChanged', { detail })), { active });
    await turn(false);
    await until(() => theatre.gateway.connections === 0);
    await page.waitForSelector('body[data-connection="resting"]');
    const missed = theatre.tip();
    await turn(true);
    await alertOf(page, missed.tipId).waitFor();
    expect(theatre.gateway.connections).toBe(1);
  });
});
