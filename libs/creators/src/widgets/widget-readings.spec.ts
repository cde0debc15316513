import { DEFAULT_OVERLAY_CONFIG, StorageUnavailable, Unauthorized, WidgetBoard, type GoalReading, type Overlay } from '@droppio/tips';
import { ManualClock } from '@droppio/tips/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { WidgetReadings } from './widget-readings.js';

/** Answers with the place that the stream is at when it is asked. */
class CountingBoard extends WidgetBoard {
  looks = 0;
  seq = 7;
  fault: Error | undefined;
  isGone = false;

  override async goal(): Promise<GoalReading | undefined> {
    this.looks += 1;
    const position = { epoch: 'epoch-01', seq: this.seq };
    await new Promise((resolve) => setImmediate(resolve));
    if (this.fault !== undefined) throw this.fault;
    return this.isGone ? undefined : { position, atMs: 1, tips: 1, amount: '5' };
  }
  override ticker = (): Promise<undefined> => Promise.resolve(undefined);
  override top = (): Promise<undefined> => Promise.resolve(undefined);
}

const overlay = (creatorId = 'ada', widget: Overlay['config']['widget'] = 'goal'): Overlay => ({
  ...{ id: 'overlay', creatorId, name: 'x', enabled: true, version: 1, configVersion: 1, createdAt: new Date(0) },
  config: { ...DEFAULT_OVERLAY_CONFIG, widget },
});
const at = (seq: number) => ({ epoch: 'epoch-01', seq });

describe(WidgetReadings.name, () => {
  let board: CountingBoard;
  let clock: ManualClock;
  let readings: WidgetReadings;
  const many = (ask: () => Promise<unknown>, times = 200): Promise<unknown[]> => Promise.all(Array.from({ length: times }, ask));
  beforeEach(() => {
    board = new CountingBoard();
    clock = new ManualClock();
    readings = new WidgetReadings(board, clock);
  });

  it('looks once for all that ask within a second', async () => {
    await many(() => readings.of(overlay(), undefined));
    await many(() => readings.of(overlay(), at(7)));
    expect(board.looks).toBe(1);
    clock.advance(1001);
    await many(() => readings.of(overlay(), at(7)));
    expect(board.looks).toBe(2);
  });

  it('looks once more for all that have heard of more than the last look saw', async () => {
    await readings.of(overlay(), undefined);
    board.seq = 9;
    const answers = await many(() => readings.of(overlay(), at(9)));
    expect(board.looks).toBe(2);
    expect(new Set(answers.map((answer) => (answer as { seq: number }).seq))).toEqual(new Set([9]));
    await readings.of(overlay(), { epoch: 'another1', seq: 1 });
    expect(board.looks).toBe(3);
  });

  it('keeps creators and questions apart', async () => {
    await readings.of(overlay('ada'), undefined);
    await readings.of(overlay('bob'), undefined);
    expect(board.looks).toBe(2);
    expect(await readings.of(overlay('ada', 'alerts'), undefined)).toEqual({ widget: 'alerts' });
  });

  it('keeps no failure: the next one who asks tries for himself', async () => {
    board.fault = new StorageUnavailable('away');
    await expect(readings.of(overlay(), undefined)).rejects.toBe(board.fault);
    board.fault = undefined;
    expect(await readings.of(overlay(), undefined)).toMatchObject({ seq: 7 });
    board.isGone = true;
    clock.advance(1001);
    await expect(readings.of(overlay(), undefined)).rejects.toBeInstanceOf(Unauthorized);
  });
});
