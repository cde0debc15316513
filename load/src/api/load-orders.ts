import * as z from 'zod';

const Run = z.object({
  op: z.literal('run'),
  port: z.number(),
  connections: z.number(),
  seconds: z.number(),
  /** Taken in turn. */
  paths: z.array(z.string()).min(1),
  authorization: z.string().optional(),
});
const Wait = z.object({
  op: z.literal('wait'),
  port: z.number(),
  clients: z.number(),
  /** Path and query, without the place in the stream. */
  path: z.string(),
  /** Where all of them begin: whoever comes late misses nothing. */
  place: z.string(),
  /** Taken in turn; none: the path says who asks. */
  authorizations: z.array(z.string()),
});
/** One event at one client; `sentMs` tells events apart. */
const Heard = z.object({ sentMs: z.number(), latencyMs: z.number() });
export type Heard = z.output<typeof Heard>;

/** `run`: as many requests as the connections carry, one after the other on each. `wait`: long polls, until `stop`. */
export const LoadOrder = z.discriminatedUnion('op', [
  Run,
  Wait,
  z.object({ op: z.literal('report') }),
  z.object({ op: z.literal('stop') }),
]);
export type LoadOrder = z.output<typeof LoadOrder>;
export type Run = z.output<typeof Run>;
export type Wait = z.output<typeof Wait>;

export const LoadAnswer = z.discriminatedUnion('op', [
  /** `why`: of one that failed, the first. */
  z.object({ op: z.literal('ran'), latenciesMs: z.array(z.number()), seconds: z.number(), failed: z.number(), why: z.string() }),
  z.object({ op: z.literal('waiting') }),
  z.object({ op: z.literal('report'), heard: z.array(Heard), failed: z.number(), why: z.string() }),
]);
export type LoadAnswer = z.output<typeof LoadAnswer>;
