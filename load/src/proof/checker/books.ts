import type { Anomaly, History, TipRow } from './history.js';
import { isSameText } from './texts.js';
import type { StandingTip } from '../truth/chain-truth.js';

const COUNTS = new Set(['confirmed', 'safe', 'finalized']);
const short = (id: string): string => id.replace(/0x(\w{8})\w+/, '0x$1…');

/** Postgres against the chain, row by row; and every stream without a hole. */
export function rowMismatch(history: History): Anomaly[] {
  const found = (what: string): Anomaly => ({ kind: 'row-mismatch', what });
  const rows = new Map(history.tips.map((row) => [row.id, row]));
  const standing = new Map(history.truth.standing.map((tip) => [tip.id, tip]));
  const anomalies: Anomaly[] = [];
  if (rows.size !== history.tips.length) anomalies.push(found(`${String(history.tips.length - rows.size)} tips have more than one row`));
  for (const tip of standing.values()) {
    const difference = differenceOf(rows.get(tip.id), tip);
    if (difference !== undefined) anomalies.push(found(`${short(tip.id)}: ${difference}`));
  }
  for (const row of rows.values()) {
    if (standing.has(row.id)) continue;
    if (!history.truth.ever.has(row.id)) anomalies.push(found(`${short(row.id)} was never on the chain`));
    else if (COUNTS.has(row.state)) anomalies.push(found(`${short(row.id)} is ${row.state} and gone from the chain`));
  }
  return [...anomalies, ...holes(history), ...toldTwice(history)];
}

function differenceOf(row: TipRow | undefined, tip: StandingTip): string | undefined {
  if (row === undefined) return 'has no row';
  if (!COUNTS.has(row.state)) return `is ${row.state} and stands on the chain`;
  for (const field of ['wallet', 'from', 'token', 'amount', 'blockHash', 'logIndex'] as const)
    if (row[field] !== tip[field]) return `${field} is ${String(row[field])} and should be ${String(tip[field])}`;
  return isSameText(row.message, tip.message) ? undefined : 'has another message';
}

function holes({ streams, events, owners }: History): Anomaly[] {
  const known = new Set(streams.map(({ creatorId }) => creatorId));
  const without = [...owners.values()].filter((creatorId) => !known.has(creatorId));
  const seqs = new Map<string, number[]>();
  for (const { creatorId, seq } of events) seqs.set(creatorId, [...(seqs.get(creatorId) ?? []), seq]);
  const found = streams.flatMap(({ creatorId, head }) => {
    const own = (seqs.get(creatorId) ?? []).sort((a, b) => a - b);
    const isWhole = own.length === head && own.every((seq, place) => seq === place + 1);
    return isWhole
      ? []
      : [
          {
            kind: 'row-mismatch',
            what: `the stream of ${creatorId} has ${String(own.length)} events and ends with ${String(head)}`,
          } as const,
        ];
  });
  return [...found, ...without.map((creatorId) => ({ kind: 'row-mismatch', what: `${creatorId} has no stream` }) as const)];
}

/** One event, and only one, says that a tip is new. */
function toldTwice({ events, truth, owners, listed }: History): Anomaly[] {
  const times = new Map<string, number>();
  for (const { id, type } of events) if (type === 'tip') times.set(id, (times.get(id) ?? 0) + 1);
  const twice = [...times].filter(([, count]) => count > 1).map(([id]) => `${short(id)} was told of more than once`);
  const never = truth.standing
    .filter(({ id, wallet, token }) => owners.has(wallet) && listed.has(token) && !times.has(id))
    .map(({ id }) => `${short(id)} was never told of`);
  return [...twice, ...never].map((what) => ({ kind: 'row-mismatch', what }) as const);
}

/** What creators were tipped, in final blocks, is what the chain says; the API says so, and the bar of a goal on a page. */
export function totalMismatch({ totals, goals, truth, owners, listed }: History): Anomaly[] {
  const sums = new Map([...owners.values()].map((creatorId) => [creatorId, { tips: 0, amount: 0n }]));
  for (const { wallet, amount, token } of truth.standing) {
    const sum = sums.get(owners.get(wallet) ?? '');
    if (sum === undefined || !listed.has(token)) continue;
    sum.tips += 1;
    sum.amount += BigInt(amount);
  }
  const told = new Map(totals.map((total) => [total.creatorId, total]));
  const api = [...sums].flatMap(([creatorId, sum]) => {
    const total = told.get(creatorId);
    const isRight = total?.tips === sum.tips && total.amount === sum.amount.toString();
    const said = total === undefined ? 'nothing is told' : `${String(total.tips)} tips of ${total.amount}`;
    return isRight ? [] : [`${creatorId}: ${said}, and on the chain ${String(sum.tips)} of ${String(sum.amount)}`];
  });
  const bars = goals
    .filter(({ creatorId, amount }) => sums.get(creatorId)?.amount.toString() !== amount)
    .map(({ who, creatorId, amount }) => `${who}: its bar says ${amount}, and the chain ${String(sums.get(creatorId)?.amount)}`);
  return [...api, ...bars].map((what) => ({ kind: 'total-mismatch', what }) as const);
}

export function leak({ vitals }: History): Anomaly[] {
  return vitals
    .filter(({ before, after, allowed }) => after - before > allowed)
    .map(({ process, what, before, after, detail = '' }) => ({
      kind: 'leak',
      what: `${process}: ${what} went from ${String(before)} to ${String(after)} ${detail}`.trimEnd(),
    }));
}

export function backlog({ streams, leftovers }: History): Anomaly[] {
  const behind = streams
    .filter(({ head, published }) => published < head)
    .map(({ creatorId, head, published }) => `${creatorId}: ${String(head - published)} events are not published`);
  return [...behind, ...leftovers].map((what) => ({ kind: 'backlog', what }));
}
