import { NATIVE_TOKEN, type ChainLog, type Hex } from '@droppio/tips';
import { randomHex, randomInt } from '@droppio/tips/testing';
import { encodeAbiParameters, parseAbiParameters } from 'viem';
import { TIP_TOPIC, type RawTip } from '../decode-tip.js';
import { TRANSFER_TOPIC, type RawTransfer } from '../decode-transfer.js';

const PARAMETERS = parseAbiParameters('address token, uint256 amount, string message, bytes32 ref');
const padded = (address: Hex): Hex => `0x${'0'.repeat(24)}${address.slice(2)}`;

export function aRawTip(fields: Partial<RawTip> = {}): RawTip {
  return {
    creator: randomHex(20),
    from: randomHex(20),
    token: NATIVE_TOKEN,
    amount: BigInt(1 + randomInt(1_000_000_000)),
    message: `gg ${String(randomInt(1000))}`,
    ref: randomHex(32),
    ...fields,
  };
}

/** The log that the contract writes for a tip, encoded by a general encoder. */
export function aTipLog(tip: RawTip, fields: Partial<ChainLog> = {}): ChainLog {
  const data = encodeAbiParameters(PARAMETERS, [tip.token, tip.amount, tip.message, tip.ref]);
  return {
    blockHash: randomHex(32),
    blockNumber: 1,
    txHash: randomHex(32),
    logIndex: 0,
    address: '0x00000000000000000000000000000000000000aa',
    topics: [TIP_TOPIC, padded(tip.creator), padded(tip.from)],
    data,
    ...fields,
  };
}

export function aRawTransfer(fields: Partial<RawTransfer> = {}): RawTransfer {
  return { token: randomHex(20), from: randomHex(20), to: randomHex(20), amount: BigInt(1 + randomInt(1_000_000_000)), ...fields };
}

/** The log that an ERC-20 token writes for a transfer. */
export function aTransferLog({ token, from, to, amount }: RawTransfer, fields: Partial<ChainLog> = {}): ChainLog {
  return {
    blockHash: randomHex(32),
    blockNumber: 1,
    txHash: randomHex(32),
    logIndex: 0,
    address: token,
    topics: [TRANSFER_TOPIC, padded(from), padded(to)],
    data: encodeAbiParameters(parseAbiParameters('uint256 value'), [amount]),
    ...fields,
  };
}
