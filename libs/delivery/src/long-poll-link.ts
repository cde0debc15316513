import type { ServerResponse } from 'node:http';
import type { FrameBatch } from './frame-batch.js';
import type { OverlayLink } from './overlay-link.js';

/**
 * Gathers frames until there is something to tell, and answers with all of them at once: `{"frames": […]}`, and `"close": {code, reason}` where a
 * socket would have been closed. What comes after the answer is found by the next poll, since the client's place has not moved past it.
 */
export class LongPollLink implements OverlayLink {
  readonly transport = 'poll';
  private readonly texts: string[] = [];
  private bytes = 0;
  private isAdmitted = false;
  private isLast = false;
  private wait: NodeJS.Timeout | undefined;
  private soon: NodeJS.Immediate | undefined;

  constructor(
    private readonly response: ServerResponse,
    private readonly waitMs: number,
  ) {
    response.once('close', () => {
      clearTimeout(this.wait);
      clearImmediate(this.soon);
    });
  }

  get queuedBytes(): number {
    return this.bytes + this.response.writableLength;
  }

  write(batch: FrameBatch): void {
    if (this.response.writableEnded) return;
    for (const [i, frame] of batch.frames.entries()) {
      if (frame.op === 'move') this.answerWithin(frame.afterMs);
      else this.texts.push(batch.texts[i] ?? '');
      this.isAdmitted ||= frame.op === 'ready';
    }
    this.bytes += batch.size;
    // At the end of the turn: whatever else comes in it goes along.
    if (batch.frames.some(({ op }) => op === 'event' || op === 'gap')) this.soon ??= setImmediate(this.answer);
    else if (this.isAdmitted) this.wait ??= setTimeout(this.answer, this.waitMs);
  }

  close(code: number, reason: string): void {
    this.end(`,"close":{"code":${String(code)},"reason":${reason}}`);
  }

  /** This process is about to go, or to make room: the next poll is to find another one. */
  private answerWithin(ms: number): void {
    this.isLast = true;
    const move = setTimeout(this.answer, Math.min(ms, this.waitMs));
    this.response.once('close', () => {
      clearTimeout(move);
    });
  }

  private readonly answer = (): void => {
    this.end('');
  };

  private end(close: string): void {
    if (this.response.writableEnded) return;
    this.bytes = 0;
    this.response.writeHead(200, {
      'Content-Type': 'application/json; charset=utf-8',
      'Cache-Control': 'no-store',
      ...(this.isLast ? { Connection: 'close' } : {}),
    });
    this.response.end(`{"frames":[${this.texts.join(',')}]${close}}`);
  }
}
