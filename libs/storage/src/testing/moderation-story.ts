import { SHOW_EVERYTHING, type ModerationRules } from '@droppio/tips';

/** Rules that say only what matters to the reader of a test. */
export function someRules(fields: Partial<ModerationRules> = {}, blockList: Partial<ModerationRules['blockList']> = {}): ModerationRules {
  return { ...SHOW_EVERYTHING, ...fields, blockList: { ...SHOW_EVERYTHING.blockList, ...blockList } };
}

export const HOLD_ALL = someRules({ mode: 'hold' });
export const HIDE_RUDE = someRules({}, { entries: ['rude'], action: 'hide-message' });
export const HOLD_RUDE = someRules({}, { entries: ['rude'], action: 'hold' });
export const REJECT_RUDE = someRules({}, { entries: ['rude'], action: 'reject' });
