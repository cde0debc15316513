import * as z from 'zod';

export const CrowdMember = z.object({ who: z.string(), creatorId: z.string(), token: z.string(), gateway: z.string() });
export type CrowdMember = z.output<typeof CrowdMember>;

/** What a crowd is told. */
export const CrowdOrder = z.discriminatedUnion('do', [
  z.object({ do: z.literal('begin'), journal: z.string(), members: z.array(CrowdMember) }),
  /** These begin anew with what they had written down, as a page does that is loaded again. */
  z.object({ do: z.literal('reload'), share: z.number() }),
  z.object({ do: z.literal('count') }),
  z.object({ do: z.literal('stop') }),
]);
export type CrowdOrder = z.output<typeof CrowdOrder>;

/** What it answers. */
export const CrowdCount = z.object({
  open: z.int(),
  /** By creator: the place of the one that is furthest behind. */
  places: z.record(z.string(), z.int()),
  links: z.int(),
  gaps: z.int(),
  /** How links ended, by close code; only those that this side did not end. */
  codes: z.record(z.string(), z.int()),
});
export type CrowdCount = z.output<typeof CrowdCount>;
