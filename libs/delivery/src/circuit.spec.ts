import { ManualClock } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { Circuit } from './circuit.js';
import { FeedAway } from './errors.js';

function aCircuit() {
  const clock = new ManualClock();
  const changes: boolean[] = [];
  const circuit = new Circuit(clock, (isOpen) => changes.push(isOpen));
  let asked = 0;
  const ask = async (works: boolean): Promise<'answered' | 'failed' | 'refused'> => {
    const before = asked;
    try {
      await circuit.run(() => {
        asked += 1;
        return works ? Promise.resolve() : Promise.reject(new Error('away'));
      });
      return 'answered';
    } catch (error) {
      return asked === before && error instanceof FeedAway ? 'refused' : 'failed';
    }
  };
  const fail = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i += 1) await ask(false);
  };
  return { clock, circuit, changes, ask, fail, asked: () => asked };
}

describe(Circuit.name, () => {
  it('opens after eight failures in a row, and asks nothing more', async () => {
    const { circuit, changes, ask, fail, asked } = aCircuit();
    await fail(7);
    expect(await ask(true)).toBe('answered');
    await fail(8);
    expect(circuit.isOpen).toBe(true);
    for (let i = 0; i < 100; i += 1) expect(await ask(true)).toBe('refused');
    expect([asked(), changes]).toEqual([16, [true]]);
  });

  it('lets one question through after a while, whose answer counts for all', async () => {
    const { clock, circuit, changes, fail, ask } = aCircuit();
    await fail(8);
    clock.advance(800);
    let answer: () => void = () => undefined;
    const trial = circuit.run(() => new Promise<void>((resolve) => (answer = resolve)));
    expect([await ask(true), await ask(true)]).toEqual(['refused', 'refused']);
    answer();
    await trial;
    expect(await ask(true)).toBe('answered');
    expect(changes).toEqual([true, false]);
  });

  it('waits again, in the end about four seconds, when that question fails too', async () => {
    const { clock, fail, ask, asked } = aCircuit();
    await fail(8);
    const before = asked();
    for (let ms = 0; ms < 60_000; ms += 50) {
      await ask(false);
      clock.advance(50);
    }
    expect(asked() - before).toBeGreaterThanOrEqual(60 / 4.3);
    expect(asked() - before).toBeLessThan(80);
  });

  it('is not held open by late failures of what was asked before, nor by a sign of life that came meanwhile', async () => {
    const { clock, circuit, fail, ask } = aCircuit();
    let lose: (error: Error) => void = () => undefined;
    const late = circuit.run(() => new Promise<never>((_, reject) => (lose = reject)));
    await fail(8);
    clock.advance(700);
    lose(new Error('late'));
    await expect(late).rejects.toThrow('late');
    clock.advance(100);
    expect(await ask(true)).toBe('answered');
    await fail(8);
    circuit.close();
    expect(await ask(true)).toBe('answered');
  });
});
