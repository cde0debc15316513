import { MemoryBrokerModule } from '@droppio/broker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayHouse } from './testing/gateway-house.js';

let written = '';
const streams = [process.stdout, process.stderr] as const;
const writes = streams.map((stream) => stream.write.bind(stream));

beforeEach(() => {
  written = '';
  for (const stream of streams) {
    stream.write = (chunk: string | Uint8Array): boolean => {
      written += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
      return true;
    };
  }
});
afterEach(() => {
  streams.forEach((stream, i) => {
    const write = writes[i];
    if (write !== undefined) stream.write = write;
  });
});

describe('a token', () => {
  it('is in no log line, no metric and no answer, whatever is done with it', async () => {
    const house = await GatewayHouse.start({ broker: MemoryBrokerModule, level: 'debug', settings: { GATEWAY_RESTORE_TIMEOUT_MS: '100' } });
    const { truth, grant, token } = await house.creator();
    const unknown = house.tokens.sign({ ...grant, creatorId: '00000000-0000-4000-8000-000000000000' });
    await house.overlay(token);
    const inUrl = await house.visitor(`?token=${token}&epoch=${truth.epoch}&seq=1`);
    inUrl.send(`{"op":"auth","token":"${token}"`);
    const forged = await house.visitor(`?token=${token}x`);
    const lost = await house.visitor(`?token=${unknown}`);
    const malformed = await fetch(`http://127.0.0.1:${String(house.port)}/overlay?token=${token}`);
    const polled = await fetch(`http://127.0.0.1:${String(house.port)}/overlay/poll?token=${token}&wait=0`);
    const streamed = await fetch(`http://127.0.0.1:${String(house.port)}/overlay/events?token=${token}x`);
    await Promise.all([inUrl.ended(), forged.ended(), lost.ended()]);
    const metrics = (await house.metrics()) + JSON.stringify(await house.stats());
    const heard =
      JSON.stringify(house.clients.map(({ frames, ending }) => [frames, ending])) +
      (await malformed.text()) +
      (await polled.text()) +
      (await streamed.text());
    await house.stop();
    expect(written).toContain('session.not-admitted');
    expect(written).toMatch(/token\.refused.*127\.0\.0\.0\/24/);
    const secret = token.slice('dro_ov_'.length);
    for (const text of [written, metrics, heard]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(unknown.slice('dro_ov_'.length));
      expect(text).not.toMatch(/\bat .+\.[jt]s:\d+/);
    }
  });
});
