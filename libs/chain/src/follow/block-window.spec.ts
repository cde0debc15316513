import { aBlock, aChildOf } from '@droppio/tips/testing';
import type { BlockHeader } from '@droppio/tips';
import { describe, expect, it } from 'vitest';
import { BlockWindow } from './block-window.js';

function chainOf(length: number): BlockHeader[] {
  const blocks = [aBlock({ number: 100 })];
  while (blocks.length < length) blocks.push(aChildOf(blocks.at(-1) ?? aBlock()));
  return blocks;
}
const newestFirst = (blocks: readonly BlockHeader[]): BlockHeader[] => [...blocks].reverse();

describe(BlockWindow.name, () => {
  it('knows its blocks by hash and by height', () => {
    const blocks = chainOf(5);
    const window = new BlockWindow(newestFirst(blocks), 10);
    expect([window.oldest?.number, window.tip?.number]).toEqual([100, 104]);
    expect(blocks.every(({ hash, number }) => window.has(hash) && window.at(number)?.hash === hash)).toBe(true);
    expect([window.at(99), window.at(105)]).toEqual([undefined, undefined]);
  });

  it('forgets everything above an ancestor, and goes on from there', () => {
    const blocks = chainOf(5);
    const window = new BlockWindow(newestFirst(blocks), 10);
    const ancestor = blocks[1] ?? aBlock();
    window.cutTo(ancestor);
    expect(window.tip?.hash).toBe(ancestor.hash);
    expect(blocks.slice(2).some(({ hash }) => window.has(hash))).toBe(false);
    const next = aChildOf(ancestor);
    window.append(next);
    expect(window.at(next.number)?.hash).toBe(next.hash);
  });

  it('uses only what hangs together', () => {
    const [old, ...rest] = chainOf(5);
    const window = new BlockWindow([...newestFirst(rest), aBlock({ number: old?.number ?? 0 })], 10);
    expect(window.oldest?.number).toBe(101);
  });

  it('stays bounded and keeps at least its limit', () => {
    const blocks = chainOf(100);
    const window = new BlockWindow(blocks.slice(0, 1), 10);
    for (const block of blocks.slice(1)) window.append(block);
    const kept = blocks.filter(({ hash }) => window.has(hash)).length;
    expect(kept).toBeGreaterThanOrEqual(10);
    expect(kept).toBeLessThan(20);
    expect(window.at(199)?.hash).toBe(blocks.at(-1)?.hash);
  });
});
