import type { EventFrame } from '@droppio/protocol';
import { describe, expect, it } from 'vitest';
import { MemoryCursorStore } from './cursor-store.js';
import { RemoteControl } from './remote-control.js';

const command = (action: string, replay = false): Extract<EventFrame, { type: 'control' }> => ({
  op: 'event',
  type: 'control',
  seq: 1,
  id: 'c1',
  at: { seen: 1 },
  ttlMs: 60_000,
  d: { action },
  ...(replay && { replay }),
});

function aControl(store = new MemoryCursorStore()) {
  const story: string[] = [];
  const control = new RemoteControl(store, {
    skip: () => story.push('skip'),
    clear: () => story.push('clear'),
    pause: (paused) => story.push(`pause ${String(paused)}`),
    mute: (muted) => story.push(`mute ${String(muted)}`),
    reload: () => story.push('reload'),
  });
  return { control, store, story };
}

describe(RemoteControl.name, () => {
  it('does what it is told and ignores what it does not know', () => {
    const { control, story } = aControl();
    for (const action of ['skip', 'clear', 'pause', 'resume', 'mute', 'unmute', 'reload', 'dance']) control.obey(command(action));
    expect(story).toEqual(['skip', 'clear', 'pause true', 'pause false', 'mute true', 'mute false', 'reload']);
  });

  it('remembers pause and mute over a reload', () => {
    const { control, store } = aControl();
    control.obey(command('pause'));
    control.obey(command('mute'));
    const reloaded = aControl(store);
    reloaded.control.restore();
    expect(reloaded.story).toEqual(['pause true', 'mute true']);
  });

  it('takes the word of the server over its memory', () => {
    const { control, store, story } = aControl();
    control.obey(command('pause'));
    control.configure({ paused: false });
    control.configure({});
    expect(story).toEqual(['pause true', 'pause false']);
    expect(store.load().paused).toBe(false);
  });

  it('skips nothing, and loads nothing anew, on a command that comes late', () => {
    const { control, story } = aControl();
    control.obey(command('skip', true));
    control.obey(command('reload', true));
    expect(story).toEqual([]);
  });

  it('takes a command of just now for one, though it comes as something missed: a page that polls hears nothing else', () => {
    const { control, story } = aControl();
    for (const ageMs of [1000, 60_000]) for (const action of ['skip', 'reload']) control.obey(command(action, true), ageMs);
    expect(story).toEqual(['skip', 'reload']);
  });
});
