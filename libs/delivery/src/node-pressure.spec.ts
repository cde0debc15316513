import { describe, expect, it } from 'vitest';
import { MemoryReading, NodePressure } from './node-pressure.js';
import { Desk } from './testing/desk.js';
import { UpgradeGate } from './upgrade-gate.js';

class FixedMemory extends MemoryReading {
  value = 20;

  override percent(): number {
    return this.value;
  }
}

function stage(texts = {}) {
  const desk = new Desk(texts);
  const memory = new FixedMemory();
  const pressure = new NodePressure(desk.settings, desk.roster, memory, desk.metrics.fanOut);
  const gate = new UpgradeGate(desk.settings, desk.roster, pressure, desk.clock);
  const verdict = () => gate.judge({ headers: {}, socket: { remoteAddress: '192.0.2.1' } });
  return { desk, memory, pressure, verdict };
}

describe(NodePressure.name, () => {
  it('refuses newcomers above the share of memory, and lets them in again once there is room to spare', () => {
    const { memory, pressure, verdict } = stage();
    memory.value = 86;
    pressure.look();
    expect(verdict()).toMatchObject({ kind: 'refused', result: 'pressure', status: 503, retryAfterSeconds: 10 });
    memory.value = 84;
    pressure.look();
    expect(verdict()).toMatchObject({ kind: 'refused' });
    memory.value = 70;
    pressure.look();
    expect(verdict()).toMatchObject({ kind: 'let-in' });
  });

  it('closes those that owe the most, and no more of them than it takes', () => {
    const { desk, pressure } = stage({ GATEWAY_NODE_BUFFER_BYTES: '1000' });
    const owing = [0, 100, 300, 500, 400].map((queuedBytes) => {
      const { link } = desk.arrive();
      return Object.assign(link, { queuedBytes });
    });
    pressure.look();
    expect(owing.map(({ ending }) => ending?.code)).toEqual([undefined, undefined, undefined, 4005, undefined]);
  });

  it('closes the slowest when memory runs out, and never one that owes nothing', () => {
    const { desk, memory, pressure } = stage();
    const [idle, slow] = [desk.arrive().link, Object.assign(desk.arrive().link, { queuedBytes: 10 })];
    memory.value = 95;
    pressure.look();
    expect([idle.ending, slow.ending?.code]).toEqual([undefined, 4005]);
  });

  it('reads a plausible share of this process', () => {
    expect(new MemoryReading().percent()).toBeGreaterThan(0);
    expect(new MemoryReading().percent()).toBeLessThan(100);
  });
});
