import { HttpException } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Stats } from './stats.js';

const TOKEN = 'x'.repeat(32);
const bearer = `Bearer ${TOKEN}`;
const open = (token: string | undefined = TOKEN): Stats => {
  const stats = new Stats(token);
  stats.serve((top) => Promise.resolve({ top }));
  return stats;
};
const status = async (asked: Promise<object>): Promise<unknown> => {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof HttpException) return error.getStatus();
    throw error;
  }
};

describe(Stats.name, () => {
  it.each([undefined, '', 'Bearer', 'Bearer ', `Basic ${TOKEN}`, TOKEN])('asks for a token where it is shown none (%s)', async (shown) => {
    expect(await status(open().read(shown, undefined))).toBe(401);
  });

  it.each([`Bearer ${'y'.repeat(32)}`, `${bearer}x`, `Bearer ${TOKEN.slice(1)}`, 'Bearer x'])('refuses another one (%s)', async (shown) => {
    expect(await status(open().read(shown, undefined))).toBe(403);
  });

  it('is closed to everybody when no token is set', async () => {
    const stats = new Stats();
    stats.serve(() => Promise.resolve({}));
    for (const shown of [undefined, bearer, 'Bearer undefined']) expect(await status(stats.read(shown, undefined))).toBe(403);
  });

  it('tells those who have the token what the room reports, of at most a thousand', async () => {
    expect(await open().read(bearer, undefined)).toEqual({ top: 20 });
    expect(await open().read(`bearer  ${TOKEN}`, '5')).toEqual({ top: 5 });
    for (const [asked, top] of [
      ['9999', 1000],
      ['-1', 20],
      ['1e3', 20],
      ['all', 20],
    ] as const) {
      expect(await open().read(bearer, asked)).toEqual({ top });
    }
  });

  it('says so where no room reports', async () => {
    expect(await status(new Stats(TOKEN).read(bearer, undefined))).toBe(404);
  });
});
