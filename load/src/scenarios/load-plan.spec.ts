import { describe, expect, it } from 'vitest';
import { loadPlan } from './load-plan.js';

const names = (...args: string[]): string[] => loadPlan(args).scenarios.map(({ name }) => name);

describe(loadPlan.name, () => {
  it('plays everything but the soak, in the order of the file', () => {
    expect(names().at(0)).toBe('connect-1000');
    expect(names()).toContain('scale-80');
    expect(names()).not.toContain('soak');
  });

  it('leaves the live autoscaling to its own line in CI, and nothing out of a full run', () => {
    expect(names('--ci')).not.toContain('scale-80');
    expect(names('--full')).toEqual([...names().filter((name) => name !== 'soak'), 'soak']);
    expect(loadPlan(['--full'])).toMatchObject({ report: 'test-results/load.html', markdown: 'docs/proof/load.md' });
  });

  it('plays what it is asked for, and the soak for as long as it is asked', () => {
    expect(names('--scenario', 'hot-room,shed')).toEqual(['shed', 'hot-room']);
    expect(loadPlan(['--minutes', '480']).scenarios).toMatchObject([{ name: 'soak', holdSeconds: 28_800 }]);
  });

  it.each([
    [['--scenario', 'rush'], /no scenario rush\. Known are connect-1000, /],
    [['--ci', '--full'], /not both/],
    [['--seed', 'x'], /--seed takes a whole number, and x is none/],
    [['--fast'], /Known are --scenario/],
  ])('says what could be said instead of %j', (args, sentence) => {
    expect(() => loadPlan(args)).toThrow(sentence);
  });
});
