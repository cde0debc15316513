import type { Member } from '../house/member.js';
import type { Scenario } from './scenario.js';
import type { Stage } from './stage.js';

/** Load balancers take a moment to notice. */
const NOTICE_MS = 500;
/** What an overlay may be told that does not move by itself. */
const DRAIN = '4001';

function pick({ house, dice }: Stage): Member {
  return dice.pick(house.gateways);
}

export const killedGateway: Scenario = {
  number: 1,
  says: 'one gateway is killed in the middle of its fan-out',
  house: 'plain',
  inCi: true,
  mixes: true,
  async play(stage) {
    const victim = pick(stage);
    const held = await victim.metric('droppio_gateway_sockets');
    const links = await stage.links();
    await stage.fault('gateway killed', async () => {
      await victim.end('SIGKILL');
      await stage.rest(NOTICE_MS);
      stage.house.route(stage.house.gateways.filter((other) => other !== victim));
      await victim.start();
    });
    stage.house.route();
    await stage.settled();
    const after = await stage.links();
    stage.effect(held > 0 && after - links >= held / 2, `${String(held)} sockets were lost, ${String(after - links)} opened anew`);
  },
};

export const rollingRestart: Scenario = {
  number: 2,
  says: 'all gateways are restarted one after the other; overlays are moved, none is dropped',
  house: 'plain',
  inCi: true,
  mixes: true,
  async play(stage) {
    const { house } = stage;
    const before = await stage.audience.crowd.count();
    const codes: number[] = [];
    for (const member of house.gateways) {
      await stage.fault('gateway drained', async () => {
        house.route(house.gateways.filter((other) => other !== member));
        codes.push(await member.end('SIGTERM'));
        await member.start();
        house.route();
      });
    }
    await stage.settled();
    const after = await stage.audience.crowd.count();
    const moved = after.links - before.links;
    const broken = Object.entries(after.codes).filter(([code, times]) => code !== DRAIN && times > (before.codes[code] ?? 0));
    stage.effect(
      codes.every((code) => code === 0),
      `all ${String(codes.length)} gateways ended with 0`,
    );
    stage.effect(moved >= stage.audience.crowd.size, `${String(moved)} sockets were opened anew`);
    stage.effect(
      broken.length === 0,
      `no link ended with a code other than ${DRAIN}${broken.length === 0 ? '' : `, but ${broken.join()}`}`,
    );
  },
};
