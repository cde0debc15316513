import { OverlayConnection, WebSocketTransport, type ConnectionState } from '@droppio/client';
import { WebSocket } from 'ws';
import * as z from 'zod';
import type { Scenario } from './scenario.js';

const REVOKED_MS = 5000;
const BURST = 500;
const PER_TX = 50;
const ZALGO = 'z\u0300\u0301\u0302\u0303\u0304\u0305a\u0306\u0307\u0308\u0309';

export const endedPages: Scenario = {
  number: 22,
  says: 'pages are reloaded, crash in the middle of an alert, and one has a twin with the same address',
  house: 'plain',
  inCi: true,
  mixes: true,
  async play(stage) {
    const { audience } = stage;
    const [first, ...others] = audience.pages;
    if (first === undefined) throw new Error('there are no pages');
    const twin = audience.pages.some(({ who }) => who.includes('twin')) ? undefined : await audience.addTwin(first);
    let ended = 0;
    let inAlert = 0;
    for (const page of [first, ...others]) {
      await stage.fault(
        'page ended',
        async () => {
          const showing = page.showing(15_000);
          const creator = audience.creators.find(({ id }) => id === audience.overlays.find(({ who }) => who === page.who)?.creatorId);
          if (creator !== undefined) await stage.load.tip(creator.wallet);
          if (await showing) inAlert += 1;
          await (stage.dice.chance(0.5) ? page.crash() : page.reload());
          ended += 1;
        },
        15_000,
      );
    }
    await audience.crowd.reload(0.25);
    await stage.settled();
    stage.effect(ended >= 4 && inAlert > 0, `${String(ended)} pages were ended, ${String(inAlert)} of them with an alert on`);
    stage.effect(twin !== undefined || audience.pages.some(({ who }) => who.includes('twin')), 'two sources share an address');
  },
};

const Overlay = z.object({ id: z.string() });
const Links = z.object({ pageUrl: z.string() });

export const rotatedToken: Scenario = {
  number: 24,
  says: 'the token of a live overlay is rotated; within five seconds it hears nothing more',
  house: 'plain',
  inCi: true,
  mixes: true,
  async play(stage) {
    const { audience, house } = stage;
    const { client } = audience;
    const creator = stage.dice.pick(audience.creators);
    const overlay = Overlay.parse(
      await client.call('POST', '/v1/overlays', creator.accessToken, { name: 'Rotated', config: { schemaVersion: 1 } }),
    );
    const { pageUrl } = Links.parse(await client.call('GET', `/v1/overlays/${overlay.id}/url`, creator.accessToken));
    const transport = new WebSocketTransport(`ws://127.0.0.1:${String(house.gates.overlays.port)}/overlay`, WebSocket);
    const heard: number[] = [];
    const states: ConnectionState[] = [];
    const connection = new OverlayConnection(
      { transport, token: new URL(pageUrl).hash.slice(1) },
      {
        ready: () => undefined,
        gap: () => undefined,
        event: () => heard.push(performance.now()),
        state: (state) => states.push(state),
      },
    );
    connection.start();
    try {
      await stage.until('the overlay hears of tips', async () => {
        await stage.load.tip(creator.wallet);
        return heard.length > 1;
      });
      const rotatedAt = performance.now();
      await client.call('POST', `/v1/overlays/${overlay.id}/token/rotate`, creator.accessToken);
      await stage.until('the overlay is turned away', () => states.at(-1)?.kind === 'stopped', REVOKED_MS);
      const tookMs = performance.now() - rotatedAt;
      for (let tip = 0; tip < 5; tip += 1) await stage.load.tip(creator.wallet);
      await stage.settled();
      const last = states.at(-1);
      const code = last?.kind === 'stopped' ? last.code : 0;
      const late = heard.filter((at) => at > rotatedAt + REVOKED_MS).length;
      stage.effect(
        code === 4500 && late === 0,
        `it was closed with ${String(code)} after ${tookMs.toFixed(0)} ms and heard ${String(late)} events later than five seconds`,
      );
      const headers = { authorization: `Bearer ${creator.accessToken}` };
      await fetch(`${house.facts.apiUrl}/v1/overlays/${overlay.id}`, { method: 'DELETE', headers });
    } finally {
      connection.stop();
    }
  },
};

export const bigBlock: Scenario = {
  number: 26,
  says: `${String(BURST)} tips to one creator in one block, poison among them`,
  house: 'plain',
  inCi: false,
  mixes: true,
  async play(stage) {
    const { chain, load, audience, house } = stage;
    const { wallet, id } = audience.unpaged;
    const head = async (): Promise<number> =>
      Number((await house.rows('SELECT head FROM creator_streams WHERE creator_id = $1', [id]))[0]?.['head']);
    const before = await head();
    await stage.fault('a block full of tips', async () => {
      const mark = (n: number): string => `#${String(n)}#`;
      await load.tip(wallet, `${mark(1)} nothing\u0000 here`);
      await load.tip(wallet, `${mark(2)} ${ZALGO.repeat(6)}`);
      await load.tip(wallet, `${mark(3)} \u202egnp.exe\u202c \u0007\u001b[31m`);
      for (let sent = 0; sent < BURST; sent += PER_TX) await load.batch(Array.from({ length: PER_TX }, () => wallet));
      // Ten kilobytes are more than the jar takes: no tip at all.
      chain.queue(await house.facts.mint.tip(wallet, 1n, ZALGO.repeat(500)));
      await chain.mine();
    });
    await stage.settled();
    const told = (await head()) - before;
    stage.effect(told >= BURST + 3, `${String(told)} events were told of`);
  },
};
