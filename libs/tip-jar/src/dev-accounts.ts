import { toHex, type Hex } from '@droppio/tips';
import { mnemonicToAccount, privateKeyToAccount } from 'viem/accounts';

export interface DevAccount {
  readonly address: Hex;
  readonly privateKey: Hex;
}

/** anvil's own words, known to everybody: whatever these keys hold on a public chain is taken within seconds. */
const DEV_MNEMONIC = 'test test test test test test test test test test test junk';

/** The first accounts of a dev chain, each with 10 000 coins. */
export function devAccounts(count: number): readonly DevAccount[] {
  const parent = mnemonicToAccount(DEV_MNEMONIC, { path: "m/44'/60'/0'/0" }).getHdKey();
  return Array.from({ length: count }, (_, index) => {
    const key = parent.deriveChild(index).privateKey;
    if (key === null) throw new Error('a derived key is always private here');
    const privateKey: Hex = `0x${Buffer.from(key).toString('hex')}`;
    return { address: toHex(privateKeyToAccount(privateKey).address, 20), privateKey };
  });
}
