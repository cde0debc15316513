import { describe, expect, it } from 'vitest';
import { HorizontalAutoscaler } from './horizontal-autoscaler.js';

const plan = {
  min: 1,
  max: 20,
  behavior: {
    scaleUp: {
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Max' as const,
      policies: [{ type: 'Percent' as const, value: 100, periodSeconds: 30 }],
    },
    scaleDown: {
      stabilizationWindowSeconds: 900,
      selectPolicy: 'Min' as const,
      policies: [{ type: 'Pods' as const, value: 1, periodSeconds: 300 }],
    },
  },
};

describe(HorizontalAutoscaler.name, () => {
  it('takes what it finds for its first recommendation: a controller that has just begun sends nobody away for a whole window', () => {
    const autoscaler = new HorizontalAutoscaler(plan);
    for (let now = 0; now < 900; now += 15) expect(autoscaler.decide(now, 10, 2)).toBe(10);
    expect(autoscaler.decide(900, 10, 2)).toBe(9);
  });

  it('grows at once all the same', () => {
    expect(new HorizontalAutoscaler(plan).decide(0, 10, 15)).toBe(15);
  });
});
