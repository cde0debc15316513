import * as z from 'zod';

const Room = z.object({
  token: z.string(),
  /** The position from which overlays of this room begin; without one, at the head. */
  cursor: z.object({ epoch: z.string(), seq: z.number() }).optional(),
});
export type Room = z.output<typeof Room>;

/** `client`: the overlay's own client; `light`: a bare reader of frames that counts; `deaf`: one that reads nothing once it is in. */
const Kind = z.enum(['client', 'light', 'deaf']);
export type OverlayKind = z.output<typeof Kind>;

const Open = z.object({
  op: z.literal('open'),
  kind: Kind,
  ports: z.array(z.number()),
  rooms: z.array(Room),
  /** Of each overlay to open, the place of its room in `rooms`. */
  places: z.array(z.number()),
  /** When each is due, milliseconds from `startAt`. */
  due: z.array(z.number()),
  /** Unix milliseconds. */
  startAt: z.number(),
});
export type Open = z.output<typeof Open>;

/** From the process that runs the scenario to one that holds overlays. */
export const Order = z.discriminatedUnion('op', [
  Open,
  /** Where links opened from now on go. */
  z.object({ op: z.literal('ports'), ports: z.array(z.number()) }),
  /** So many tips of each room have been told: what is missing is lost. */
  z.object({ op: z.literal('audit'), told: z.array(z.number()) }),
  /** So many overlays a second leave and come back; 0 ends it. */
  z.object({ op: z.literal('churn'), perSecond: z.number() }),
  /** So many, from the newest on, leave for good. */
  z.object({ op: z.literal('leave'), overlays: z.number() }),
  /** Newcomers that expect to be refused. */
  z.object({ op: z.literal('knock'), ports: z.array(z.number()), token: z.string(), times: z.number(), perSecond: z.number() }),
]);
export type Order = z.output<typeof Order>;

const Buckets = z.array(z.tuple([z.number(), z.number()]));

/** What happened since the last one. Latencies are pairs of a bucket of a tenth of a millisecond and how often it came. */
const Tick = z.object({
  op: z.literal('tick'),
  open: z.number(),
  connected: z.number(),
  failed: z.number(),
  deliveries: z.number(),
  connects: Buckets,
  reconnects: Buckets,
  latencies: Buckets,
  /** By close code. */
  closes: z.record(z.string(), z.number()),
});
export type Tick = z.output<typeof Tick>;

const Audit = z.object({
  op: z.literal('audit'),
  overlays: z.number(),
  open: z.number(),
  missing: z.number(),
  doubled: z.number(),
  leaked: z.number(),
  /** Holes in the count of seqs, and gaps that were announced. */
  holes: z.number(),
  delivered: z.number(),
});
export type Audit = z.output<typeof Audit>;

const Knocked = z.object({ op: z.literal('knock'), refused: z.number(), toldWhen: z.number(), letIn: z.number(), failed: z.number() });
export type Knocked = z.output<typeof Knocked>;

export const Answer = z.discriminatedUnion('op', [Tick, Audit, Knocked, z.object({ op: z.literal('done') })]);
export type Answer = z.output<typeof Answer>;

export const exactNow = (): number => performance.timeOrigin + performance.now();

/** What every tip says: when it was due (Unix microseconds), its room, and its number there. Letters and digits, so that no rule of a creator touches it. */
export const tipMessage = (dueMs: number, room: number, number: number): string =>
  `t${String(Math.round(dueMs * 1000))}r${String(room)}n${String(number)}e`;

export const TIP_MESSAGE = /t(\d+)r(\d+)n(\d+)e/;
