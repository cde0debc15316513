import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StoredTip } from '@droppio/tips';
import { aTip, randomHex } from '@droppio/tips/testing';
import { CSV_COLUMNS, csvRow, csvWriter, safeCell } from './tip-csv.js';

/** Of a token that nobody lists. */
function aBareTip(): StoredTip {
  const { txHash, creator, from, token, message, ref } = aTip();
  const block = { blockNumber: 7, blockHash: randomHex(32), blockTimestampMs: Date.UTC(2026, 0, 2), logIndex: 3 };
  const facts = { txHash, ordinal: 0, creator, from, token, message, ref, amount: 1_500_000n };
  return { ...facts, ...block, chainId: 8453, state: 'finalized', rev: 1 };
}

const aStoredTip = (fields: Partial<StoredTip> = {}): StoredTip => ({ ...aBareTip(), symbol: 'USDC', decimals: 6, ...fields });

async function textOf(tips: readonly StoredTip[], bom = false): Promise<string> {
  const writer = csvWriter({ bom });
  for (const tip of tips) writer.write(csvRow(tip));
  writer.end();
  const parts: string[] = [];
  for await (const part of writer) parts.push(String(part));
  return parts.join('');
}

/** RFC 4180 by the letter: throws at whatever is not a row of quoted cells. */
function parse(text: string): string[][] {
  const rows: string[][] = [];
  for (let at = 0; at < text.length;) {
    const row: string[] = [];
    for (let end = ','; end === ',';) {
      const [whole, cell = ''] = /^"((?:[^"]|"")*)"/.exec(text.slice(at)) ?? ['', undefined];
      if (whole === '') throw new Error(`no cell at ${String(at)}`);
      row.push(cell.replaceAll('""', '"'));
      at += whole.length;
      end = text.startsWith('\r\n', at) ? '\r\n' : text.slice(at, at + 1);
      if (end !== ',' && end !== '\r\n') throw new Error(`no end of a cell at ${String(at)}`);
      at += end.length;
    }
    rows.push(row);
  }
  return rows;
}

describe(safeCell.name, () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t'=1"],
    ['\r=1', "'\r'=1"],
    ['\n=1', "'\n'=1"],
    ['\tgg', "'\tgg"],
    ['  =1', "'  =1"],
    ['\u00a0=1', "'\u00a0=1"],
    ['\u200b=1', "'\u200b=1"],
    ['"=1', `'"=1`],
    ["'=1", "''=1"],
    ["\" =cmd|' /C calc'!A0", `'" =cmd|' /C calc'!A0`],
    ['＝1', "'＝1"],
    ['＋1', "'＋1"],
    ['－1', "'－1"],
    ['＠A', "'＠A"],
    ['gg;=1', "gg;'=1"],
    ['gg;" -1', `gg;'" -1`],
    ['gg\n=1', "gg\n'=1"],
    ['gg\t@A', "gg\t'@A"],
    ['=HYPERLINK("http://evil","x")', `'=HYPERLINK("http://evil","x")`],
    ['', ''],
    ['gg', 'gg'],
    ['1 + 1 = 2', '1 + 1 = 2'],
    ['hi, -5', 'hi, -5'],
    ['me@example.com', 'me@example.com'],
    ['what; a game', 'what; a game'],
  ])('makes %j be %j', (text, cell) => {
    expect(safeCell(text)).toBe(cell);
  });

  it('leaves no cell that a spreadsheet might begin to run, however it is cut', () => {
    const piece = fc.constantFrom('=', '+', '-', '@', '＝', '\t', '\r', '\n', ';', '"', "'", ' ', 'a', '1', '\u200b');
    fc.assert(
      fc.property(fc.string({ unit: piece, maxLength: 12 }), (text) => {
        const cell = safeCell(text);
        expect(cell).not.toMatch(/^[\t\r\n]/);
        for (const part of cell.split(/[;\t\r\n]/)) expect(part).not.toMatch(/^(?!')[\s\p{Cf}"`]*[=+\-@＝]/u);
        expect(cell.replaceAll("'", '')).toBe(text.replaceAll("'", ''));
      }),
    );
  });
});

describe(csvWriter.name, () => {
  it('writes what RFC 4180 reads back, whatever the messages', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { minLength: 1, maxLength: 5 }), async (messages) => {
        const [header, ...rows] = parse(await textOf(messages.map((message) => aStoredTip({ message }))));
        expect(header).toEqual(CSV_COLUMNS);
        expect(rows.map((row) => row[CSV_COLUMNS.indexOf('message')])).toEqual(messages.map(safeCell));
      }),
      { numRuns: 50 },
    );
  });

  it('writes amounts exactly, and nothing for what is not known', async () => {
    const worth = { usd: '1.50000000', source: 'peg', atMs: 0 };
    const unlisted: StoredTip = { ...aBareTip(), amount: 2n ** 256n - 1n };
    const [, one = [], other = []] = parse(await textOf([aStoredTip({ worth }), unlisted]));
    const cells = (row: readonly string[]) => Object.fromEntries(CSV_COLUMNS.map((column, n) => [column, row[n]]));
    expect(cells(one)).toMatchObject({
      amount: '1.5',
      amount_raw: '1500000',
      symbol: 'USDC',
      usd: '1.50000000',
      time: '2026-01-02T00:00:00.000Z',
    });
    expect(cells(other)).toMatchObject({ amount: '', amount_raw: (2n ** 256n - 1n).toString(), symbol: '', usd: '' });
  });

  it('begins with a byte order mark when asked, and has a header without any tip', async () => {
    expect((await textOf([], true)).startsWith('\ufeff"id","time"')).toBe(true);
    expect(await textOf([])).toBe(`${CSV_COLUMNS.map((column) => `"${column}"`).join(',')}\r\n`);
  });
});
