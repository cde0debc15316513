import * as z from 'zod';

/** How one room is asked for by a client. */
const Door = z.object({
  path: z.string(),
  /** First message of the client, right after the upgrade. */
  says: z.string().optional(),
});
export type Door = z.output<typeof Door>;

const Connect = z.object({
  op: z.literal('connect'),
  port: z.number(),
  /** Sockets take the doors in turn. */
  doors: z.array(Door),
  sockets: z.number(),
  /** 0: as fast as it goes, a fixed number of handshakes at a time. */
  perSecond: z.number(),
  protocol: z.string().optional(),
  /** What the server says once the client is in; absent: the upgrade itself says so. */
  ready: z.string().optional(),
  isBinary: z.boolean(),
});
export const Order = z.discriminatedUnion('op', [Connect, z.object({ op: z.literal('reset') }), z.object({ op: z.literal('report') })]);
export type Order = z.output<typeof Order>;
export type Connect = z.output<typeof Connect>;

export const Answer = z.discriminatedUnion('op', [
  z.object({ op: z.literal('connected'), handshakesMs: z.array(z.number()), failed: z.number(), why: z.string(), seconds: z.number() }),
  z.object({ op: z.literal('reset') }),
  /** Latencies as pairs of a bucket of a tenth of a millisecond and how often it came. `lost`: sockets that the server has ended. */
  z.object({ op: z.literal('report'), deliveries: z.number(), buckets: z.array(z.tuple([z.number(), z.number()])), lost: z.number() }),
]);
export type Answer = z.output<typeof Answer>;

export const BUCKETS_A_MS = 10;
/** Around the moment of publishing, in every payload: Unix milliseconds with fractions. */
export const STAMP_OPENS = '~t';
export const STAMP_CLOSES = '~';
export const exactNow = (): number => performance.timeOrigin + performance.now();
export const stamp = (): string => `${STAMP_OPENS}${exactNow().toFixed(3)}${STAMP_CLOSES}`;
