import type { Response } from 'express';

/** Whoever takes less than this in this time holds a place that others want: some 70 kbit/s. */
const PACE = { leastBytes: 256 * 1024, everyMs: 30_000 };

/**
 * Cuts off a client that takes an answer drop by drop: a timer for silence is content with one byte now and then. Time that the answer itself was
 * waited for does not count. Returns how to stop.
 */
export function keepPace(response: Response, cut: () => void, { leastBytes, everyMs } = PACE): () => void {
  const { socket } = response;
  if (socket === null) return () => undefined;
  const taken = (): number => socket.bytesWritten - socket.writableLength;
  let before = taken();
  // Something waited for the client at the beginning of the time, and at its end.
  let isWaiting = false;
  const watch = setInterval(() => {
    const now = taken();
    const wasWaiting = isWaiting;
    isWaiting = socket.writableLength > 0;
    if (wasWaiting && isWaiting && now - before < leastBytes) cut();
    before = now;
  }, everyMs).unref();
  return () => {
    clearInterval(watch);
  };
}
