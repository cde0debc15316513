import { describe, expect, it } from 'vitest';
import { Undo } from './undo.js';

describe(Undo.name, () => {
  it('undoes in reverse, gives every step its chance, and only once', async () => {
    const done: string[] = [];
    const failed: string[] = [];
    const undo = new Undo();
    const step = (name: string, fault?: Error): void => {
      undo.add(name, () => {
        done.push(name);
        return fault === undefined ? Promise.resolve() : Promise.reject(fault);
      });
    };
    step('database');
    step('chain', new Error('would not stop'));
    step('app');
    const note = (name: string): void => void failed.push(name);
    await undo.run(note);
    await undo.run(note);
    expect(done).toEqual(['app', 'chain', 'database']);
    expect(failed).toEqual(['chain']);
  });
});
