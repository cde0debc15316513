import { describe, expect, it } from 'vitest';
import { compressedExpression, compressedScaler } from './compressed.js';

describe('cluster time fifteen times as fast', () => {
  it('divides every range of a rule and the forecast’s lead', () => {
    expect(compressedExpression('a:sum + 90 * clamp_min(deriv(a:sum[2m]), 0)')).toBe('a:sum + 6 * clamp_min(deriv(a:sum[8000ms]), 0)');
    expect(compressedExpression('rate(b[30s])')).toBe('rate(b[2000ms])');
  });

  it('divides every window of the autoscaler, and its target by the size of the gateways', () => {
    const rules = (window: number, period: number) => ({
      stabilizationWindowSeconds: window,
      selectPolicy: 'Max' as const,
      policies: [{ type: 'Pods' as const, value: 4, periodSeconds: period }],
    });
    const scaler = {
      by: 'ScaledObject' as const,
      deployment: 'gateway',
      min: 3,
      max: 30,
      target: 3000,
      asks: 'x',
      behavior: { scaleUp: rules(0, 30), scaleDown: rules(900, 300) },
      namespace: 'droppio',
      takesSilenceForZero: false,
    };
    expect(compressedScaler(scaler)).toEqual({ ...scaler, target: 60, behavior: { scaleUp: rules(0, 2), scaleDown: rules(60, 20) } });
  });
});
