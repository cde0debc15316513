import { LogUndecodable, NATIVE_TOKEN, type ChainLog, type Hex } from '@droppio/tips';
import type { ChainSettings } from '../chain-settings.js';
import { decodeTip } from '../decode-tip.js';
import { logLine } from './log-digest.js';

/** Which logs two providers must tell alike before their block is believed. */
export interface LogQuorum {
  /** What to take of answers that differ when no two agree; `undefined`: none of them, since what they differ in is worth too much. */
  readonly settle: (answers: readonly (readonly ChainLog[])[]) => readonly ChainLog[] | undefined;
}

/** `undefined`: one provider's word is enough for every tip of this chain. */
export function logQuorum({ quorum, tipJar }: Pick<ChainSettings, 'quorum' | 'tipJar'>): LogQuorum | undefined {
  if (quorum === undefined || quorum.above.length === 0) return undefined;
  const limits = new Map<Hex, bigint>(quorum.above.map(({ token, amount }) => [token, amount]));
  const matters = (log: ChainLog): boolean => {
    const moved = moneyOf(log, tipJar);
    const limit = moved && limits.get(moved.token);
    return limit !== undefined && moved !== undefined && moved.amount >= limit;
  };
  return {
    settle: (answers) => {
      // A hidden tip is as bad as an invented one, so what counts is whatever is not in all answers.
      if (disputed(answers).some(matters)) return undefined;
      // Below the amounts nobody is to wait: the fuller answer, since an index that lags leaves out and does not invent.
      return answers.reduce((fullest, answer) => (answer.length > fullest.length ? answer : fullest));
    },
  };
}

function disputed(answers: readonly (readonly ChainLog[])[]): readonly ChainLog[] {
  const told = new Map<string, { readonly log: ChainLog; times: number }>();
  for (const log of answers.flat()) {
    const line = logLine(log);
    const known = told.get(line);
    if (known === undefined) told.set(line, { log, times: 1 });
    else known.times += 1;
  }
  return [...told.values()].filter(({ times }) => times < answers.length).map(({ log }) => log);
}

/** What a log says was paid, whoever got it; `undefined` when it cannot become a tip. */
function moneyOf(log: ChainLog, tipJar: Hex): { readonly token: Hex; readonly amount: bigint } | undefined {
  try {
    const tip = decodeTip(log, tipJar);
    if (tip !== undefined) return { token: tip.token, amount: tip.amount };
  } catch (error) {
    if (error instanceof LogUndecodable) return undefined;
    throw error;
  }
  // A transfer of a listed token, straight to a wallet.
  const isTransfer = log.address !== tipJar && log.address !== NATIVE_TOKEN && log.topics.length === 3 && log.data.length === 66;
  return isTransfer ? { token: log.address, amount: BigInt(log.data) } : undefined;
}
