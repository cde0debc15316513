import { ManualClock } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { OnAir } from './on-air.js';

function anAir() {
  const clock = new ManualClock();
  const story: boolean[] = [];
  const preferred: boolean[] = [];
  const onAir = new OnAir(
    clock,
    (isOnAir) => story.push(isOnAir),
    (isPreferred) => preferred.push(isPreferred),
  );
  return { clock, onAir, story, preferred };
}

describe(OnAir.name, () => {
  it('believes to be seen until something speaks against it', () => {
    const { onAir, story } = anAir();
    expect(onAir.isOnAir).toBe(true);
    onAir.hint({ isHidden: true });
    onAir.hint({ isVisible: false });
    onAir.hint({ isHidden: false });
    expect(onAir.isOnAir).toBe(false);
    onAir.hint({ isVisible: true });
    onAir.hint({ hasFrames: false });
    expect(story).toEqual([false, true, false]);
  });

  it('heeds the stream and the other pages only where the creator asks for it', () => {
    const { onAir, story } = anAir();
    onAir.hint({ isLive: false, isPrimary: false });
    expect(onAir.isOnAir).toBe(true);
    onAir.configure({ onlyWhileLive: true, onlyPrimary: false });
    expect(onAir.isOnAir).toBe(false);
    onAir.hint({ isLive: true });
    onAir.configure({ onlyWhileLive: true, onlyPrimary: true });
    onAir.hint({ isPrimary: true });
    expect(story).toEqual([false, true, false, true]);
  });

  it('prefers as primary a page that is visible and active', () => {
    const { onAir, preferred } = anAir();
    onAir.hint({});
    onAir.hint({ isActive: false });
    onAir.hint({ isActive: true });
    onAir.hint({ isHidden: true });
    expect(preferred).toEqual([true, false, true, false]);
  });

  it('counts the time on the air', () => {
    const { onAir, clock } = anAir();
    clock.advance(1000);
    onAir.hint({ isHidden: true });
    clock.advance(5000);
    expect(onAir.totalMs).toBe(1000);
    onAir.hint({ isHidden: false });
    clock.advance(200);
    expect(onAir.totalMs).toBe(1200);
  });
});
