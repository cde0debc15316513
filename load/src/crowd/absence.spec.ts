import { describe, expect, it } from 'vitest';
import { Absence } from './absence.js';
import { Ledger } from './ledger.js';

/** Milliseconds by the clock of the test; the ledger counts tenths. */
function overlay() {
  const ledger = new Ledger();
  let now = 0;
  const absence = new Absence(ledger, () => now);
  return { ledger, absence, at: (ms: number) => (now = ms) };
}

describe(Absence.name, () => {
  it('counts an arrival from when it was due, not from when somebody got round to it', () => {
    const { ledger, absence, at } = overlay();
    absence.due(100);
    at(130);
    const attempt = absence.attempt();
    at(150);
    attempt.ready();
    expect(ledger.take()).toMatchObject({ connects: [[500, 1]], reconnects: [], connected: 1, failed: 0 });
  });

  it('counts a return from the loss, with the pause and the attempts that failed', () => {
    const { ledger, absence, at } = overlay();
    absence.due(0);
    absence.attempt().ready();
    ledger.take();
    at(1000);
    absence.lost();
    at(1400);
    absence.attempt().failed();
    absence.lost();
    at(2300);
    const second = absence.attempt();
    at(2350);
    second.ready();
    expect(ledger.take()).toMatchObject({ connects: [], reconnects: [[13_500, 1]], connected: 0, failed: 0 });
  });

  it('counts who came late as late, and not as one who came at the first attempt', () => {
    const { ledger, absence, at } = overlay();
    absence.due(0);
    absence.attempt().failed();
    at(700);
    absence.attempt().ready();
    expect(ledger.take()).toMatchObject({ connects: [[7000, 1]], reconnects: [], connected: 0, failed: 1 });
  });

  it('counts a move from its first attempt, for nothing was lost', () => {
    const { ledger, absence, at } = overlay();
    absence.due(0);
    absence.attempt().ready();
    ledger.take();
    at(5000);
    absence.attempt().failed();
    at(5200);
    absence.attempt().ready();
    expect(ledger.take()).toMatchObject({ reconnects: [[2000, 1]] });
  });
});
