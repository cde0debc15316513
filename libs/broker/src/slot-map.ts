import * as z from 'zod';
import { hashSlot } from './hash-slot.js';
import type { RedisNode } from './redis-url.js';

/** `CLUSTER SLOTS`: ranges with their master first, then its replicas. */
const SlotsReply = z.array(z.tuple([z.int(), z.int(), z.tuple([z.string().nullable(), z.int()]).rest(z.unknown())]).rest(z.unknown()));

/** Which master has which slot, at the time of asking. */
export class SlotMap {
  private constructor(
    private readonly ranges: readonly { readonly from: number; readonly to: number; readonly node: string }[],
    readonly nodes: ReadonlyMap<string, RedisNode>,
  ) {}

  /** Throws when the answer is not one. */
  static parse(reply: unknown): SlotMap {
    const nodes = new Map<string, RedisNode>();
    const ranges = SlotsReply.parse(reply).map(([from, to, [host, port]]) => {
      const node = `${host ?? ''}:${String(port)}`;
      nodes.set(node, { host: host ?? '', port });
      return { from, to, node };
    });
    return new SlotMap(ranges, nodes);
  }

  /** `undefined`: nobody serves this key's slot now. */
  ownerOf(key: string): string | undefined {
    const slot = hashSlot(key);
    return this.ranges.find(({ from, to }) => from <= slot && slot <= to)?.node;
  }
}
