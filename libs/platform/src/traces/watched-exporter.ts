import { Logger } from '@nestjs/common';
import { errorFields } from '../json-logger.js';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';

type Outcome = Parameters<Parameters<SpanExporter['export']>[1]>[0];

const COMPLAIN_EVERY_MS = 60_000;
const SUCCESS = 0;

/** Says when spans do not arrive, once a minute at most: a collector that is away is no reason to fill the log. */
export class WatchedExporter implements SpanExporter {
  private readonly log = new Logger('platform');
  private lost = 0;
  private complainedAtMs = -Infinity;

  constructor(private readonly exporter: SpanExporter) {}

  export(spans: ReadableSpan[], done: (outcome: Outcome) => void): void {
    this.exporter.export(spans, (outcome) => {
      if (outcome.error !== undefined || (outcome.code as number) !== SUCCESS) this.complain(spans.length, outcome.error);
      done(outcome);
    });
  }

  forceFlush(): Promise<void> {
    return this.exporter.forceFlush?.() ?? Promise.resolve();
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  private complain(spans: number, error: unknown): void {
    this.lost += spans;
    if (performance.now() - this.complainedAtMs < COMPLAIN_EVERY_MS) return;
    this.complainedAtMs = performance.now();
    this.log.warn('traces.not-sent', { spans: this.lost, ...errorFields(error) });
    this.lost = 0;
  }
}
