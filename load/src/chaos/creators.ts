import { randomBytes } from 'node:crypto';
import { SHOW_EVERYTHING, type CreatorDirectory, type Hex, type ModerationDesk, type ModerationRules } from '@droppio/tips';
import { refusingWallet } from './tip-maker.js';

/** When each creator of a group hears of a tip: before its block, with it, some blocks later. */
const ALERT_AFTER = [0, 0, 1, 1, 1, 3] as const;

/** Rules of some of them: what is shown is changed, or waits for a person (`Moderator`). In the end all of it is shown. */
const SCREENED: ModerationRules = {
  ...SHOW_EVERYTHING,
  hideSenders: true,
  stripLinks: true,
  collapseRepeats: true,
  blockList: { entries: ['tip*', 'gg'], useStandard: true, action: 'hide-message' },
};
const HELD: ModerationRules = { ...SCREENED, mode: 'hold' };
const RULES: readonly (ModerationRules | undefined)[] = [undefined, SCREENED, undefined, HELD, undefined, HELD];

/** The creators of a group, each with a wallet that can be paid; the first has one that refuses coins besides. */
export async function registerCreators(
  directory: CreatorDirectory,
  moderation: ModerationDesk,
): Promise<{ readonly creatorIds: readonly string[]; readonly wallets: readonly Hex[] }> {
  const wallets = ALERT_AFTER.map((): Hex => `0x${randomBytes(20).toString('hex')}`);
  const creators = await Promise.all(
    wallets.map(async (wallet, index) => {
      const handle = `c${randomBytes(6).toString('hex')}`;
      const given = index === 0 ? [wallet, refusingWallet()] : [wallet];
      const { id } = await directory.createCreator({ handle, displayName: 'A creator', wallets: given });
      const rules = RULES[index];
      if (rules !== undefined) await moderation.setRules(id, 'any', rules);
      return directory.changeCreator(id, { alertAfter: ALERT_AFTER[index] ?? 1 });
    }),
  );
  return { creatorIds: creators.map(({ id }) => id), wallets };
}
