import { Gauge, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { Overloaded } from '../errors.js';
import { MediaTurns } from './media-turns.js';

const MB = 1024 * 1024;
const someTurns = (): MediaTurns => new MediaTurns(new Gauge({ name: 'on_their_way_bytes', help: '.', registers: [new Registry()] }));

describe(MediaTurns.name, () => {
  it('lets one address have twelve megabytes on their way, and all of them 32', () => {
    const turns = someTurns();
    for (const address of ['a', 'b']) for (let n = 0; n < 6; n += 1) turns.take(address, 2 * MB);
    expect(() => turns.take('a', 1)).toThrow(Overloaded);
    for (let n = 0; n < 4; n += 1) turns.take('c', 2 * MB);
    expect(() => turns.take('d', 1)).toThrow(Overloaded);
  });

  it('has the room again that is given back, once', () => {
    const turns = someTurns();
    const give = turns.take('a', 12 * MB);
    expect(() => turns.take('a', 1)).toThrow(Overloaded);
    give();
    give();
    turns.take('a', 12 * MB);
    expect(() => turns.take('a', 1)).toThrow(Overloaded);
    turns.take('b', 12 * MB);
    expect(() => turns.take('c', 12 * MB)).toThrow(Overloaded);
  });
});
