import { createHash, randomBytes } from 'node:crypto';
import type { IdGenerator } from '@opentelemetry/sdk-trace-base';
import type { SpanName } from './traces.js';

/** The first span of a tip's trace, the same in every process. */
export function firstSpanOf(tipId: string): SpanName {
  const digest = createHash('sha256').update(`droppio trace of ${tipId}`).digest('hex');
  return { traceId: digest.slice(0, 32), spanId: digest.slice(32, 48) };
}

/** By the trace's id alone, so that no process records half of a trace. */
export function isSampled(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(0, 8), 16) < ratio * 2 ** 32;
}

/** Random ids, but for the next span, which can be named beforehand. */
export class TipIds implements IdGenerator {
  private next: SpanName | undefined;

  /** For a span that is begun within `work`, at once. */
  naming<T>(span: SpanName, work: () => T): T {
    this.next = span;
    try {
      return work();
    } finally {
      this.next = undefined;
    }
  }

  generateTraceId(): string {
    return this.next?.traceId ?? randomBytes(16).toString('hex');
  }

  generateSpanId(): string {
    return this.next?.spanId ?? randomBytes(8).toString('hex');
  }
}
