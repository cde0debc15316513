import { expect, it } from 'vitest';
import { Tally } from './tally.js';
import { tooTame } from './verdict.js';

function stormy(): Tally {
  const tally = new Tally();
  tally.add('standing:jar', 100);
  tally.add('alerts', 100);
  tally.add('chain:reorgs', 20);
  tally.add('fault:drop', 100);
  tally.add('process:killed', 5);
  return tally;
}

it('takes a run in which enough happened for a proof', () => {
  expect(tooTame(stormy(), 10)).toEqual([]);
});

it('says what there was too little of', () => {
  expect(tooTame(new Tally(), 10)).toHaveLength(5);
  const tally = stormy();
  tally.add('chain:reorgs', -15);
  expect(tooTame(tally, 10)).toEqual(['only 5 chain:reorgs over 10 seeds, at least 10 are wanted']);
});

it('wants every kind of fault once there were many seeds', () => {
  const tally = new Tally();
  tally.merge(stormy());
  const missing = tooTame(tally, 100).join('\n');
  for (const what of ['× html', '× forged hidden', '× paid token', 'standing:native', 'chains:quorum', 'promised:pending', 'clock:back'])
    expect(missing).toContain(what);
});
