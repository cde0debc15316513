import { kindOf, storiesOf, type History } from '../checker/history.js';

/** What a feed keeps of a creator's newest events, at least. */
const FEED_KEEPS = 256;
/** What is behind a gap follows it at once. */
const AFTER_MS = 5000;

/**
 * Gaps that need not have been: fewer newer events were there than feeds keep. A stream has got beyond what its feed reaches while an overlay
 * was away, or while its gateway was deaf and hundreds of events came in one block; then, and only then, it may be told so.
 */
export function unfoundedGaps(history: History): string[] {
  const stories = storiesOf(history);
  return stories.flatMap(({ who, creatorId, entries }) =>
    kindOf(entries, 'gap').flatMap(({ at, from, to }) => {
      const ofCreator = stories.filter((story) => story.creatorId === creatorId).flatMap((story) => story.entries);
      const newest = ofCreator.reduce(
        (seq, entry) => (entry.kind === 'wire' && entry.at <= at + AFTER_MS ? Math.max(seq, entry.seq) : seq),
        0,
      );
      const newer = newest - to;
      return newer >= FEED_KEEPS
        ? []
        : [`${who} was told of a gap from ${String(from)} to ${String(to)}, and ${String(newer)} events were newer`];
    }),
  );
}
