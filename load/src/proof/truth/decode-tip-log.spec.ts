import { describe, expect, it } from 'vitest';
import { encodeAbiParameters, keccak256, toHex } from 'viem';
import { readTipLog } from './decode-tip-log.js';

describe(readTipLog.name, () => {
  it('reads what a compiler writes', () => {
    const creator = `0x${'c1'.repeat(20)}` as const;
    const from = `0x${'f2'.repeat(20)}` as const;
    const token = `0x${'00'.repeat(20)}` as const;
    const fields = [{ type: 'address' }, { type: 'uint256' }, { type: 'string' }, { type: 'bytes32' }] as const;
    const message = 'grüße, and more than thirty-two bytes of it';
    const topics = [
      keccak256(toHex('Tip(address,address,address,uint256,string,bytes32)')),
      ...[creator, from].map((address) => encodeAbiParameters([{ type: 'address' }], [address])),
    ];
    const data = encodeAbiParameters(fields, [token, 2n ** 200n, message, `0x${'ab'.repeat(32)}`]);
    expect(readTipLog({ address: creator, topics, data, transactionHash: '0x1', logIndex: '0x0' })).toEqual({
      wallet: creator,
      from,
      token,
      amount: (2n ** 200n).toString(),
      message,
    });
  });

  it('will not have another event', () => {
    expect(() => readTipLog({ address: '0x', topics: ['0x12'], data: '0x', transactionHash: '0x', logIndex: '0x0' })).toThrow('no tip');
  });
});
