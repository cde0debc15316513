import { decodeTip } from '@droppio/chain';
import { aRawTip, aTipLog } from '@droppio/chain/testing';
import { tipJarAbi } from '@droppio/tip-jar';
import type { ChainLog } from '@droppio/tips';
import { decodeEventLog } from 'viem';
import type { Sizes } from './bench-plan.js';
import { ratioOfMedians, type Figure } from './figures.js';

const ROUNDS = 7;
/** The general decoder is slow: of these it gets a part. */
const GENERAL_SHARE = 20;

/** The product's decoder and a general one on the same logs, all different, in turn. That both read the same is a property test's business. */
export function decodeRate({ decodedLogs }: Pick<Sizes, 'decodedLogs'>): readonly Figure[] {
  const logs = Array.from({ length: decodedLogs }, () => aTipLog(aRawTip()));
  const few = logs.slice(0, Math.ceil(logs.length / GENERAL_SHARE));
  const own: number[] = [];
  const general: number[] = [];
  for (let round = -1; round < ROUNDS; round += 1) {
    const rates = [perSecond(logs, (log) => decodeTip(log, log.address)), perSecond(few, byViem)] as const;
    // The first round is for the compiler.
    if (round < 0) continue;
    own.push(rates[0]);
    general.push(rates[1]);
  }
  return [
    { name: 'decode: by hand', unit: 'logs/s', values: own },
    { name: 'decode: viem decodeEventLog', unit: 'logs/s', values: general },
    { name: 'ratio of medians, decode: by hand ÷ viem', unit: '×', values: [ratioOfMedians(own, general)] },
  ];
}

function perSecond(logs: readonly ChainLog[], decode: (log: ChainLog) => unknown): number {
  const began = performance.now();
  let read = 0;
  for (const log of logs) if (decode(log) !== undefined) read += 1;
  if (read !== logs.length) throw new Error(`${String(logs.length - read)} tips were not read`);
  return (read * 1000) / (performance.now() - began);
}

function byViem({ data, topics: [signature, ...rest] }: ChainLog): unknown {
  if (signature === undefined) throw new Error('a log without topics');
  return decodeEventLog({ abi: tipJarAbi, eventName: 'Tip', data, topics: [signature, ...rest] });
}
