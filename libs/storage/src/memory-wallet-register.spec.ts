import { MemoryWalletRegister } from '@droppio/tips/testing';
import { describeWalletRegister } from './wallet-register.contract.js';

describeWalletRegister('memory', () => {
  const register = new MemoryWalletRegister();
  return Promise.resolve({
    register,
    add: (wallet, ageMs) => {
      register.register(wallet, Date.now() - ageMs);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  });
});
