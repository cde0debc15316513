/** A W3C `traceparent` of something that is recorded: `00-<trace>-<span>-01`. */
export type TraceParent = string;

const SHAPE = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-01$/;

export interface SpanName {
  readonly traceId: string;
  readonly spanId: string;
}

/** Reads what came from outside this process; `undefined`: none, or of no use. */
export function readTraceParent(text: unknown): SpanName | undefined {
  const [, traceId, spanId] = (typeof text === 'string' ? SHAPE.exec(text) : null) ?? [];
  return traceId === undefined || spanId === undefined ? undefined : { traceId, spanId };
}

export function writeTraceParent({ traceId, spanId }: SpanName): TraceParent {
  return `00-${traceId}-${spanId}-01`;
}

export interface SpanPlan {
  readonly name: string;
  /** `producer` hands something over to another process, `consumer` takes it there. Default: `internal`. */
  readonly kind?: 'internal' | 'producer' | 'consumer';
  /** Unix milliseconds. Default: now. */
  readonly startMs?: number;
  /** No token, no text of a person, no wallet: whoever reads traces need not be allowed to know them. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

export interface OpenSpan {
  /** For what is told to the next one. */
  readonly parent: TraceParent;
  /** What is logged in there names the trace. */
  run<T>(work: () => T): T;
  /** A span that is never ended is never recorded. */
  end(error?: unknown): void;
}

/**
 * Records the way of tips over processes: one trace a tip. The id of a tip's trace, and that of its first span, follow from the tip's id. So every
 * process knows them without being told, also one that publishes what another has stored, and all agree on which tips are sampled.
 *
 * Ask `isOn` first and build nothing when it is false: that is all that traces cost then.
 */
export abstract class Traces {
  abstract readonly isOn: boolean;
  /** The first span of a tip's trace. `undefined`: not sampled. */
  abstract begin(tipId: string, plan: SpanPlan): OpenSpan | undefined;
  /** A later one, under the first, wherever that was recorded. `undefined`: not sampled. */
  abstract follow(tipId: string, plan: SpanPlan): OpenSpan | undefined;
  /** One that goes on with what another process began: under that span, and linked to it. `undefined`: that one is not known or not sampled. */
  abstract take(from: unknown, plan: SpanPlan): OpenSpan | undefined;
  /** Sends what is left, if that is quick. */
  abstract close(): Promise<void>;
}

class Off extends Traces {
  override readonly isOn = false;

  override begin(): undefined {
    return undefined;
  }

  override follow(): undefined {
    return undefined;
  }

  override take(): undefined {
    return undefined;
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}

export const NO_TRACES: Traces = new Off();
