import { aTip } from '@droppio/tips/testing';
import { DEFAULT_OVERLAY_CONFIG, type StoredTip } from '@droppio/tips';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { NewTokenBody } from './access/token.schema.js';
import { AuditLogQuery } from './account/audit.schema.js';
import { NewCreatorBody } from './profile/creator.schema.js';
import { addressField } from './edge/fields.js';
import { NewOverlayBody, OverlayChangeBody, TestAlertBody } from './overlays/overlay.schema.js';
import { TipsQuery } from './tips/tip-filter.schema.js';
import { tipPage, TipPage } from './tips/tip.schema.js';

const wallet = '0x52908400098527886e0f7030069857d2e4169ee7';
const messages = (schema: z.ZodType, value: unknown): string[] => schema.safeParse(value).error?.issues.map((issue) => issue.message) ?? [];

describe('addresses', () => {
  it('come out lower-case', () => {
    expect(addressField.parse('0x52908400098527886E0F7030069857D2E4169EE7')).toBe(wallet);
    expect(addressField.parse('0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359')).toBe('0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359');
  });

  it.each([
    ['0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d35A', 'has a wrong EIP-55 checksum'],
    [`0x${'0'.repeat(40)}`, 'is nobody’s address'],
    ['0x1234', 'must be 0x and 40 hex digits'],
  ])('refuse %s', (text, why) => {
    expect(messages(addressField, text)).toContain(why);
  });
});

describe('times', () => {
  const schemas: readonly [z.ZodType, (time: string) => object][] = [
    [TipsQuery, (from) => ({ from })],
    [AuditLogQuery, (from) => ({ from })],
    [AuditLogQuery, (to) => ({ to })],
    [NewTokenBody, (expiresAt) => ({ name: 'OBS', scopes: ['read'], expiresAt })],
  ];

  it.each(['0000-01-01T00:00:00Z', '1969-12-31T23:59:59Z', '9999-12-31T23:59:59-14:00', '2026-01-01', 'now'])('refuse %s', (time) => {
    expect(schemas.map(([schema, having]) => schema.safeParse(having(time)).success)).toEqual(schemas.map(() => false));
  });

  it.each(['1970-01-01T00:00:00Z', '2026-07-01T14:00:00.5+02:00', '9999-12-31T23:59:59.999Z'])('take %s', (time) => {
    expect(schemas.map(([schema, having]) => schema.safeParse(having(time)).success)).toEqual(schemas.map(() => true));
  });
});

describe('bodies', () => {
  it.each([
    ['an unknown field', { handle: 'ada', displayName: 'Ada', wallets: [wallet], role: 'operator' }],
    ['a wallet named twice', { handle: 'ada', displayName: 'Ada', wallets: [wallet, wallet.toUpperCase().replace('0X', '0x')] }],
    ['a name that is only invisible', { handle: 'ada', displayName: '\u202e\u200b', wallets: [wallet] }],
    ['a handle with capitals', { handle: 'Ada', displayName: 'Ada', wallets: [wallet] }],
    ['no wallet', { handle: 'ada', displayName: 'Ada', wallets: [] }],
  ])('of a new creator are refused with %s', (_what, body) => {
    expect(NewCreatorBody.safeParse(body).success).toBe(false);
  });

  it('clean names', () => {
    expect(NewOverlayBody.parse({ name: '  main\u0000 \u202e scene\n' })).toEqual({ name: 'main scene', config: DEFAULT_OVERLAY_CONFIG });
  });

  it('of a change must change something', () => {
    expect(messages(OverlayChangeBody, {})).toEqual(['names nothing to change']);
    expect(OverlayChangeBody.safeParse({ enabled: false }).success).toBe(true);
  });

  it('of a test alert may be missing', () => {
    expect(TestAlertBody.parse(undefined)).toMatchObject({ name: 'Test tipper', amount: { symbol: 'ETH' } });
  });

  it('never make a schema throw', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        for (const schema of [NewCreatorBody, NewOverlayBody, OverlayChangeBody, TestAlertBody, TipsQuery]) schema.safeParse(value);
      }),
    );
  });
});

describe('page queries', () => {
  it.each(['0', '-1', '201', '1.5', '', '١', 'NaN', 'Infinity'])('refuse limit %j', (limit) => {
    expect(TipsQuery.safeParse({ limit }).success).toBe(false);
  });

  it('refuse a value given twice', () => {
    expect(TipsQuery.safeParse({ limit: ['1', '2'] }).success).toBe(false);
  });

  it('default to 50', () => {
    expect(TipsQuery.parse({})).toEqual({ limit: 50 });
  });
});

describe(tipPage.name, () => {
  it('writes amounts as decimal strings, exactly', () => {
    const amount = 2n ** 256n - 1n;
    const { txHash, ordinal, creator, from, token, message, ref } = aTip();
    const stored: StoredTip = {
      ...{ txHash, ordinal, creator, from, token, message, ref, amount },
      chainId: 8453,
      state: 'confirmed',
      rev: 1,
      blockNumber: 7,
      blockHash: `0x${'ab'.repeat(32)}`,
      blockTimestampMs: Date.UTC(2026, 0, 2),
      logIndex: 0,
    };
    const page = tipPage({ tips: [stored], next: 'abc' });
    expect(TipPage.parse(page)).toEqual(page);
    expect(page.page).toEqual({ next: 'abc', hasMore: true });
    expect(page.data[0]).toMatchObject({ amount: { raw: amount.toString(), chainId: 8453 }, block: { at: '2026-01-02T00:00:00.000Z' } });
    expect(page.data[0]?.amount).not.toHaveProperty('symbol');
  });
});
