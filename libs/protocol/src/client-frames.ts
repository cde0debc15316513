import * as z from 'zod/mini';

/** Largest frame a client may send, bytes. */
export const CLIENT_FRAME_MAX_BYTES = 4096;
export const PROTOCOL = 'droppio.v1';

const seq = z.number().check(z.int(), z.nonnegative());

/** First frame of a client, within 10 s. `cursor` is the last event it has dealt with; without one it starts at the head. */
export const AuthFrame = z.strictObject({
  op: z.literal('auth'),
  token: z.string().check(z.maxLength(512)),
  cursor: z.optional(z.strictObject({ epoch: z.string().check(z.maxLength(32)), seq })),
  /** Name and version for support, `overlay/0.1 OBS/31.0`. */
  client: z.optional(z.string().check(z.maxLength(64))),
});
export const PongFrame = z.strictObject({ op: z.literal('pong') });
/** An alert is on the screen, `ms` after its block's time; best effort. */
export const ShownFrame = z.strictObject({
  op: z.literal('shown'),
  seq,
  ms: z.number().check(z.int(), z.nonnegative(), z.lte(86_400_000)),
});

export const ClientFrame = z.discriminatedUnion('op', [AuthFrame, PongFrame, ShownFrame]);
export type AuthFrame = z.infer<typeof AuthFrame>;
export type PongFrame = z.infer<typeof PongFrame>;
export type ShownFrame = z.infer<typeof ShownFrame>;
export type ClientFrame = z.infer<typeof ClientFrame>;

/** `undefined`: not one of our frames. Never throws. */
export function parseClientFrame(text: string): ClientFrame | undefined {
  if (text.length > CLIENT_FRAME_MAX_BYTES) return undefined;
  return parseAs(ClientFrame, text);
}

export function parseAs<T extends z.ZodMiniType>(schema: T, text: string): z.infer<T> | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = schema.safeParse(json);
  return parsed.success ? parsed.data : undefined;
}
