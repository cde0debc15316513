import { describe, expect, it } from 'vitest';
import { NetworkRates } from './network-rates.js';

describe(NetworkRates.name, () => {
  it('goes on limiting a network that goes on, whatever flood of others comes by', () => {
    const rates = new NetworkRates(60, 1000);
    const admitted = Array.from({ length: 50 }, (_, round) => {
      for (let i = 0; i < 100; i += 1) rates.take(`2001:db8:${String(round)}:${String(i)}::/64`, 0, 1);
      return Array.from({ length: 10 }, () => rates.take('192.0.2.1', 0, 1)).filter(Boolean).length;
    });
    expect(admitted.reduce((sum, count) => sum + count)).toBe(60);
    expect(rates.size).toBeLessThanOrEqual(1000);
  });
});
