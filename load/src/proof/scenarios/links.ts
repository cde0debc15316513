import type { Hex } from '@droppio/tips';
import { TcpGate } from '../faults/tcp-gate.js';
import { scaled } from '../house/house-plan.js';
import type { Member } from '../house/member.js';
import { monotonicMs } from '../journals/monotonic.js';
import type { Scenario } from './scenario.js';
import type { Stage } from './stage.js';

const FLAPS = 200;
const FLAP_EVERY_MS = 100;
/** How long a client that was thrown back again and again may wait until it tries once more. */
const BACKOFF_MS = 30_000;
const SLICED_MS = 5000;
/** A ping every five seconds here; a client gives a link up that is silent for ten more. */
const SILENCE_MS = 15_000;
const HERD = 5000;
/** The herd hears of tips for so long before it goes again. */
const AMONG_MS = 5000;
const PER_PROCESS = 500;
const BURST = 500;
const PER_TX = 50;
const SLOW_TIPS_MAX = 8000;
/** Feeds keep the newest so many events, at least. */
const FEED_KEEPS = 256;
/** With those of the load meanwhile still fewer than feeds keep. */
const SHORT_TIPS = 150;
/** With the number before it still less than the jar refuses. */
const LONG = 270;

export const flappingOverlays: Scenario = {
  number: 20,
  says: 'overlays lose their links two hundred times; bytes come one by one; links hang half-open',
  house: 'plain',
  inCi: false,
  mixes: true,
  async play(stage) {
    const { shaky } = stage.house.gates;
    let cut = 0;
    await stage.fault(
      'links flap',
      async () => {
        for (let flap = 0; flap < FLAPS; flap += 1) {
          shaky.set(flap % 3 === 0 ? 'slice' : 'open');
          cut += shaky.reset();
          await stage.rest(FLAP_EVERY_MS);
        }
        shaky.set('slice');
        await stage.rest(SLICED_MS);
        cut += shaky.reset();
        shaky.set('open');
      },
      BACKOFF_MS,
    );
    await stage.settled();
    let hung = 0;
    await stage.fault(
      'links hang half-open',
      () => {
        hung = shaky.hang();
        return stage.rest(SILENCE_MS);
      },
      BACKOFF_MS,
    );
    await stage.rest(SILENCE_MS);
    await stage.settled();
    stage.effect(cut >= 20 && hung > 0, `${String(cut)} links were reset in ${String(FLAPS)} flaps, ${String(hung)} were left half-open`);
  },
};

export const slowReader: Scenario = {
  number: 21,
  says: 'one overlay takes nothing from the network any more; it is let go of and comes back: within what feeds keep to everything, else to an announced gap',
  house: 'plain',
  inCi: false,
  mixes: false,
  async play(stage) {
    const { audience, house } = stage;
    const [gateway] = house.gateways;
    const creator = audience.unpaged;
    if (gateway === undefined) throw new Error('the house has no gateway');
    const gate = await TcpGate.open([gateway.port]);
    // The gate goes with the house: whoever is behind it has to the end to hear of everything.
    house.borrow(gate);
    const overlay = audience.addClient(creator, gate.port);
    await stage.until('the slow one is in', () => overlay.isOpen);
    const head = async (): Promise<number> =>
      Number((await house.rows('SELECT head FROM creator_streams WHERE creator_id = $1', [creator.id]))[0]?.['head']);
    const isBack = async (): Promise<boolean> => overlay.isOpen && overlay.place >= (await head());

    const behind = async (): Promise<number> => (await head()) - overlay.place;
    const missed = await shortSilence(stage, gate, creator.wallet, behind);
    await stage.until('the slow one has everything', isBack);
    stage.effect(overlay.lost.length === 0, `${String(missed)} events behind it came back, has them all, and heard of no gap`);

    const closed = await longSilence(stage, gate, gateway, creator.wallet);
    await stage.until('the slow one has what there is', isBack);
    stage.effect(closed.times > 0, `after ${String(closed.tips)} tips that it did not take it was let go of`);
    const [gap, ...others] = overlay.lost;
    if (gap === undefined || others.length > 0) throw new Error(`it was told of ${String(overlay.lost.length)} gaps`);
    const kept = (await head()) - gap.to;
    stage.effect(kept >= FEED_KEEPS, `it was told that ${String(gap.from)} to ${String(gap.to)} will not come; ${String(kept)} since did`);
  },
};

/** Fewer than feeds keep. */
async function shortSilence(stage: Stage, gate: TcpGate, wallet: Hex, behind: () => Promise<number>): Promise<number> {
  let missed = 0;
  await stage.fault(
    'one overlay reads nothing for a while',
    async () => {
      gate.hang();
      await pour(stage, wallet, SHORT_TIPS);
      await stage.until('the slow one is behind', async () => (missed = await behind()) >= SHORT_TIPS);
      gate.reset();
    },
    BACKOFF_MS,
  );
  return missed;
}

/** The kernel takes megabytes before anything is left to the gateway, so it is far more than feeds keep. */
async function longSilence(
  stage: Stage,
  gate: TcpGate,
  gateway: Member,
  wallet: Hex,
): Promise<{ readonly tips: number; readonly times: number }> {
  const slowCloses = (): Promise<number> => gateway.metric('droppio_gateway_slow_closes_total');
  const before = await slowCloses();
  let tips = 0;
  let times = 0;
  await stage.fault(
    'one overlay reads nothing',
    async () => {
      gate.hang();
      // Neither does what it tries next.
      gate.set('hole');
      for (; times === 0 && tips < SLOW_TIPS_MAX; tips += BURST) {
        await pour(stage, wallet, BURST);
        await stage.settled();
        times = (await slowCloses()) - before;
      }
      gate.set('open');
    },
    BACKOFF_MS,
  );
  return { tips, times };
}

async function pour({ load, chain }: Stage, wallet: Hex, tips: number): Promise<void> {
  for (let sent = 0; sent < tips; sent += PER_TX) {
    const wallets = Array.from({ length: PER_TX }, () => wallet);
    await load.batch(wallets, `${String(sent)} ${'x'.repeat(LONG)}`);
  }
  await chain.mine();
}

export const herd: Scenario = {
  number: 23,
  says: `everybody loses the link at once, and many more besides: ${String(HERD)} at full scale`,
  house: 'plain',
  inCi: false,
  mixes: false,
  async play(stage) {
    const { house, audience } = stage;
    const size = scaled(HERD, house.plan.scale, 100);
    const { crowd, leave } = await audience.addCrowd(house, size, PER_PROCESS);
    const isIn = async (): Promise<boolean> => (await crowd.count()).open === size;
    await stage.until('the herd is in', isIn);
    let cut = 0;
    await stage.fault(
      'all links cut',
      async () => {
        cut = house.gates.overlays.reset() + house.gates.shaky.reset();
        await stage.rest(1000);
      },
      BACKOFF_MS,
    );
    const began = performance.now();
    await stage.until('the herd is back', isIn, BACKOFF_MS);
    const tookMs = performance.now() - began;
    await stage.rest(AMONG_MS);
    const until = monotonicMs();
    await stage.settled();
    await stage.settled(undefined, crowd);
    stage.effect(cut >= size, `${String(cut)} links were cut at once, all were back ${((tookMs + 1000) / 1000).toFixed(1)} s later`);
    await leave(until);
  },
};
