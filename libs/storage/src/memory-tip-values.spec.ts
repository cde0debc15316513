import { MemoryTipValues } from '@droppio/tips/testing';
import { describeTipValues } from './tip-values.contract.js';

describeTipValues('memory', () => {
  const values = new MemoryTipValues();
  return Promise.resolve({
    values,
    store: (tip, state) => {
      values.store(tip, state);
      return Promise.resolve();
    },
    move: (key, to) => {
      values.move(key, to);
      return Promise.resolve();
    },
    usdOf: (key) => Promise.resolve(values.pricedOf(key)?.usd),
    close: () => Promise.resolve(),
  });
});
