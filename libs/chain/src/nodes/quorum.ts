import { LogUndecodable, NATIVE_TOKEN, type ChainLog, type ChainPayment, type Hex } from '@droppio/tips';
import type { ChainSettings } from '../chain-settings.js';
import { decodeTip } from '../decode-tip.js';
import { logLine } from './log-digest.js';

/** What two providers must tell alike before a block is believed. */
export interface Quorum<T> {
  /** Of answers that differ when no two agree, the one to take; `undefined`: none of them, since what they differ in is worth too much. */
  readonly settle: (answers: readonly (readonly T[])[]) => readonly T[] | undefined;
}
export type LogQuorum = Quorum<ChainLog>;
export type PaymentQuorum = Quorum<ChainPayment>;

/** `undefined`: one provider's word is enough for every tip that is a log. */
export function logQuorum({ quorum, tipJar }: Pick<ChainSettings, 'quorum' | 'tipJar'>): LogQuorum | undefined {
  if (quorum === undefined || quorum.above.length === 0) return undefined;
  const limits = new Map<Hex, bigint>(quorum.above.map(({ token, amount }) => [token, amount]));
  const matters = (log: ChainLog): boolean => {
    const moved = moneyOf(log, tipJar);
    const limit = moved && limits.get(moved.token);
    return limit !== undefined && moved !== undefined && moved.amount >= limit;
  };
  return { settle: (answers) => fullerBelow(answers, logLine, matters) };
}

/** `undefined`: one provider's word is enough for coins that a transaction itself sends. */
export function paymentQuorum({ quorum }: Pick<ChainSettings, 'quorum'>): PaymentQuorum | undefined {
  const limit = quorum?.above.find(({ token }) => token === NATIVE_TOKEN)?.amount;
  return limit === undefined ? undefined : { settle: (answers) => fullerBelow(answers, paymentLine, ({ amount }) => amount >= limit) };
}

/** One payment as a line: what two nodes must tell alike. */
export function paymentLine({ txHash, txIndex, from, to, amount }: ChainPayment): string {
  return `${txHash} ${String(txIndex)} ${from} ${to} ${String(amount)}`;
}

function fullerBelow<T>(
  answers: readonly (readonly T[])[],
  lineOf: (item: T) => string,
  matters: (item: T) => boolean,
): readonly T[] | undefined {
  // A hidden tip is as bad as an invented one, so what counts is whatever is not in all answers.
  if (disputed(answers, lineOf).some(matters)) return undefined;
  // Below the amounts nobody is to wait: the fuller answer, since an index that lags leaves out and does not invent.
  return answers.reduce((fullest, answer) => (answer.length > fullest.length ? answer : fullest));
}

function disputed<T>(answers: readonly (readonly T[])[], lineOf: (item: T) => string): readonly T[] {
  const told = new Map<string, { readonly item: T; times: number }>();
  for (const item of answers.flat()) {
    const line = lineOf(item);
    const known = told.get(line);
    if (known === undefined) told.set(line, { item, times: 1 });
    else known.times += 1;
  }
  return [...told.values()].filter(({ times }) => times < answers.length).map(({ item }) => item);
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
