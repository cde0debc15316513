import { Journal } from '../journals/journal.js';
import { CrowdOverlay } from './crowd-overlay.js';
import { CrowdOrder, type CrowdCount } from './crowd-words.js';

/** A process full of overlays. */
let journal: Journal | undefined;
let overlays: readonly CrowdOverlay[] = [];

const orders = {
  begin: ({ journal: path, members }: Extract<CrowdOrder, { do: 'begin' }>): object => {
    const opened = new Journal(path);
    journal = opened;
    overlays = members.map((member) => new CrowdOverlay(member, opened));
    for (const overlay of overlays) overlay.start();
    return {};
  },
  reload: ({ share }: Extract<CrowdOrder, { do: 'reload' }>): object => {
    const some = overlays.filter((_, place) => place % Math.round(1 / share) === 0);
    for (const overlay of some) overlay.reload();
    return { reloaded: some.length };
  },
  count: (): CrowdCount => {
    const places: Record<string, number> = {};
    for (const { member, place } of overlays) places[member.creatorId] = Math.min(places[member.creatorId] ?? Infinity, place);
    const sum = (of: (overlay: CrowdOverlay) => number): number => overlays.reduce((total, overlay) => total + of(overlay), 0);
    const codes = tally(overlays.flatMap((overlay) => overlay.codes).map(String));
    return { open: sum(({ isOpen }) => (isOpen ? 1 : 0)), places, codes, links: sum(({ links }) => links), gaps: sum(({ gaps }) => gaps) };
  },
  stop: (): object => {
    for (const overlay of overlays) overlay.stop();
    journal?.close();
    return {};
  },
};

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

function obey(order: CrowdOrder): object {
  switch (order.do) {
    case 'begin':
      return orders.begin(order);
    case 'reload':
      return orders.reload(order);
    case 'count':
      return orders.count();
    case 'stop':
      return orders.stop();
  }
}

process.on('message', (told) => {
  process.send?.(obey(CrowdOrder.parse(told)));
});
// Whoever started it is gone: nothing may outlive that.
process.once('disconnect', () => process.exit(0));
