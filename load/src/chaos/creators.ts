import { randomBytes } from 'node:crypto';
import type { CreatorDirectory, Hex } from '@droppio/tips';
import { refusingWallet } from './tip-maker.js';

/** When each creator of a group hears of a tip: before its block, with it, some blocks later. */
const ALERT_AFTER = [0, 0, 1, 1, 1, 3] as const;

/** The creators of a group, each with a wallet that can be paid; the first has one that refuses coins besides. */
export async function registerCreators(
  directory: CreatorDirectory,
): Promise<{ readonly creatorIds: readonly string[]; readonly wallets: readonly Hex[] }> {
  const wallets = ALERT_AFTER.map((): Hex => `0x${randomBytes(20).toString('hex')}`);
  const creators = await Promise.all(
    wallets.map(async (wallet, index) => {
      const handle = `c${randomBytes(6).toString('hex')}`;
      const given = index === 0 ? [wallet, refusingWallet()] : [wallet];
      const { id } = await directory.createCreator({ handle, displayName: 'A creator', wallets: given });
      return directory.changeCreator(id, { alertAfter: ALERT_AFTER[index] ?? 1 });
    }),
  );
  return { creatorIds: creators.map(({ id }) => id), wallets };
}
