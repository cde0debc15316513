import { MemoryBrokerModule } from '@droppio/broker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayHouse } from './testing/gateway-house.js';

let house: GatewayHouse;
beforeEach(async () => {
  house = await GatewayHouse.start({ broker: MemoryBrokerModule });
});
afterEach(() => house.stop());

describe('an overlay on a gateway', () => {
  it('is greeted, admitted at the head and then gets each event', async () => {
    const { truth, token } = await house.creator();
    const client = await house.overlay(token);
    expect(await client.ready()).toMatchObject({ epoch: truth.epoch, head: 1, from: 2, recovered: true, config: { durationMs: 8000 } });
    const sent = await truth.send();
    await client.caughtUp(2);
    expect(client.events).toMatchObject([{ seq: 2, type: 'tip', id: sent.id }]);
  });
});
