import * as z from 'zod/mini';
import { parseAs } from './client-frames.js';
import { readServerFrame, type ServerFrame } from './server-frames.js';

/*
 * Over plain HTTP the gateway sends the same frames as over a WebSocket: `GET <gateway>/events` as server-sent events, `GET <gateway>/poll` as
 * one JSON answer. What a WebSocket says with its close frame is an event `close`, or the field `close`.
 */
export const EVENTS_PATH = '/events';
export const POLL_PATH = '/poll';

/** Close code and reason, as in `CloseCode` and `closeReason`. */
export const ClosingNote = z.object({
  code: z.number(),
  reason: z.object({ r: z.optional(z.string()), retryMs: z.optional(z.number().check(z.nonnegative())) }),
});
export type ClosingNote = z.infer<typeof ClosingNote>;

export const PollAnswer = z.object({ frames: z.array(z.unknown()), close: z.optional(ClosingNote) });

/** `undefined`: not one of ours. Never throws. */
export function parseClosingNote(text: string): ClosingNote | undefined {
  return parseAs(ClosingNote, text);
}

/** Frames that this version does not know are left out. `undefined`: no answer of ours at all. Never throws. */
export function parsePollAnswer(text: string): { frames: readonly ServerFrame[]; close?: ClosingNote | undefined } | undefined {
  const answer = parseAs(PollAnswer, text);
  if (answer === undefined) return undefined;
  const frames = answer.frames.flatMap((frame) => readServerFrame(frame) ?? []);
  return { frames, close: answer.close };
}
