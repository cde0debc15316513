import * as z from 'zod/mini';
import { parseAs } from './client-frames.js';

const seq = z.number().check(z.int(), z.nonnegative());
/** Whatever the server has stored: a page reads the fields that it knows, and never stands still for one that it does not. */
const overlayConfig = z.looseObject({ schemaVersion: z.number() });

const amount = z.object({ raw: z.string(), decimals: z.number(), symbol: z.string(), chainId: z.number(), token: z.string() });
/** What an alert shows; all text is a stranger's and goes into text nodes only. */
export const TipView = z.object({
  tipId: z.string(),
  name: z.string(),
  from: z.string(),
  amount,
  message: z.string(),
  txHash: z.string(),
  /** US dollars when it was told, a decimal string; absent: not known by then. */
  usd: z.optional(z.string()),
});
export type TipView = z.infer<typeof TipView>;

/** At once after the upgrade. `pingMs`: how often the server pings; silence for longer than that plus 10 s means the link is dead. */
export const HelloFrame = z.object({ op: z.literal('hello'), v: z.literal(1), sid: z.string(), pingMs: z.number() });
/** Admitted. Events from `from` on follow; `recovered: false` means that some before it are gone for good. */
export const ReadyFrame = z.object({
  op: z.literal('ready'),
  epoch: z.string(),
  head: seq,
  from: seq,
  recovered: z.boolean(),
  config: overlayConfig,
  /** The server's clock, Unix milliseconds: a page's own may be wrong by hours, and the times in frames are the server's. */
  now: z.optional(z.number()),
});
/** `head` tells a client that it missed something, within one beat. `degraded`: the store behind is away, so events may be late. */
export const PingFrame = z.object({ op: z.literal('ping'), head: seq, degraded: z.optional(z.boolean()) });
/** Connect anew after `afterMs`, keep this socket until the new one is ready; `graceMs` after that the server may end it. */
export const MoveFrame = z.object({ op: z.literal('move'), afterMs: z.number(), graceMs: z.number(), why: z.string() });
/** Events `from`…`to` are lost to this client: continuity is over, said aloud. */
export const GapFrame = z.object({ op: z.literal('gap'), from: seq, to: seq });

const eventBase = {
  op: z.literal('event'),
  seq,
  /** First seq this frame stands for; present when it stands for several (`summary`, `skip`). */
  from: z.optional(seq),
  replay: z.optional(z.boolean()),
};
const times = z.object({ block: z.optional(z.number()), seen: z.number(), pub: z.optional(z.number()) });
const carried = { ...eventBase, id: z.string(), at: times, ttlMs: z.number() };

export const TipFrame = z.object({
  ...carried,
  type: z.enum(['tip', 'tip.updated', 'tip.retracted']),
  state: z.string(),
  rev: z.number(),
  d: TipView,
});
/** With `replayOf` it is no test, but that tip played once more: no mark. */
export const TestFrame = z.object({ ...carried, type: z.literal('test'), d: z.extend(TipView, { replayOf: z.optional(z.string()) }) });
export const ConfigFrame = z.object({
  ...carried,
  type: z.literal('config'),
  d: z.object({ overlayId: z.string(), config: overlayConfig }),
});
export const ControlFrame = z.object({ ...carried, type: z.literal('control'), d: z.looseObject({ action: z.string() }) });
/** One tip of a summary; `total`: the place among `totals` that it is counted in. */
const summedUp = z.object({ id: z.string(), raw: z.string(), total: z.number() });
/**
 * Replayed tips older than their `ttlMs`, summed up: too late to play one by one. `newest`: the last hundred of them, so that a page does not count
 * what it has shown; absent from older servers.
 */
export const SummaryFrame = z.object({
  ...eventBase,
  type: z.literal('summary'),
  d: z.object({ tips: z.number(), totals: z.array(amount), newest: z.optional(z.array(summedUp)) }),
});
/** Nothing to show at this place (retracted while away, or meant for another overlay); the count goes on. */
export const SkipFrame = z.object({ ...eventBase, type: z.literal('skip') });

export const EventFrame = z.discriminatedUnion('type', [TipFrame, TestFrame, ConfigFrame, ControlFrame, SummaryFrame, SkipFrame]);
export type EventFrame = z.infer<typeof EventFrame>;
export type TipFrame = z.infer<typeof TipFrame>;
export type TestFrame = z.infer<typeof TestFrame>;
export type SummaryFrame = z.infer<typeof SummaryFrame>;
export type SkipFrame = z.infer<typeof SkipFrame>;

export const ServerFrame = z.union([EventFrame, HelloFrame, ReadyFrame, PingFrame, MoveFrame, GapFrame]);
export type ServerFrame = z.infer<typeof ServerFrame>;
export type HelloFrame = z.infer<typeof HelloFrame>;
export type ReadyFrame = z.infer<typeof ReadyFrame>;

/** Any event at its place in the order, whatever it says. */
const UnknownEvent = z.object({ op: z.literal('event'), seq, from: z.optional(seq) });

/** An event that this version cannot read still has its place: it becomes a `skip`, or the page would wait for it for ever. Never throws. */
export function readServerFrame(json: unknown): ServerFrame | undefined {
  const known = ServerFrame.safeParse(json);
  if (known.success) return known.data;
  const { data } = UnknownEvent.safeParse(json);
  return data && { ...data, type: 'skip' };
}

/** `undefined`: a frame this version does not know; ignore it. Never throws. */
export function parseServerFrame(text: string): ServerFrame | undefined {
  const json = parseAs(z.unknown(), text);
  return json === undefined ? undefined : readServerFrame(json);
}
