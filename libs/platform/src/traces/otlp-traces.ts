import { Logger } from '@nestjs/common';
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Link,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { DroppioError, within } from '@droppio/tips';
import { errorFields } from '../json-logger.js';
import { inSpan } from './current-span.js';
import { firstSpanOf, isSampled, TipIds } from './tip-ids.js';
import { readTraceParent, Traces, writeTraceParent, type OpenSpan, type SpanName, type SpanPlan, type TraceParent } from './traces.js';
import { WatchedExporter } from './watched-exporter.js';

export interface TracesOptions {
  /** Where OTLP over HTTP is taken, path included. */
  readonly url: string;
  /** Share of tips that are recorded, 0 to 1. */
  readonly ratio: number;
  readonly service: string;
  readonly instance: string;
  readonly version: string;
}

/** Spans that wait to be sent; more are dropped. About 1 KiB each. */
const QUEUE_MOST = 2048;
const BATCH_MOST = 256;
const SEND_EVERY_MS = 2000;
const SEND_TIMEOUT_MS = 5000;
/** A shutdown has better things to wait for. */
const CLOSE_MS = 2000;
const KINDS = { internal: SpanKind.INTERNAL, producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER } as const;

/** Sends spans to a collector, in batches, from a bounded queue. One that is away costs spans and nothing else. */
export class OtlpTraces extends Traces {
  override readonly isOn = true;
  private readonly log = new Logger('platform');
  private readonly ids = new TipIds();
  private readonly provider: BasicTracerProvider;
  private readonly tracer: Tracer;

  constructor(
    private readonly options: TracesOptions,
    exporter: SpanExporter = new OTLPTraceExporter({ url: options.url, timeoutMillis: SEND_TIMEOUT_MS, concurrencyLimit: 2 }),
  ) {
    super();
    const queue = {
      maxQueueSize: QUEUE_MOST,
      maxExportBatchSize: BATCH_MOST,
      scheduledDelayMillis: SEND_EVERY_MS,
      exportTimeoutMillis: SEND_TIMEOUT_MS,
    };
    this.provider = new BasicTracerProvider({
      idGenerator: this.ids,
      resource: resourceFromAttributes({
        'service.namespace': 'droppio',
        'service.name': options.service,
        'service.instance.id': options.instance,
        'service.version': options.version,
      }),
      spanProcessors: [new BatchSpanProcessor(new WatchedExporter(exporter), queue)],
    });
    this.tracer = this.provider.getTracer('droppio', options.version);
  }

  override begin(tipId: string, plan: SpanPlan): OpenSpan | undefined {
    const first = firstSpanOf(tipId);
    if (!isSampled(first.traceId, this.options.ratio)) return undefined;
    return new Opened(this.ids.naming(first, () => this.start(plan, ROOT_CONTEXT)));
  }

  override follow(tipId: string, plan: SpanPlan): OpenSpan | undefined {
    const first = firstSpanOf(tipId);
    return isSampled(first.traceId, this.options.ratio) ? new Opened(this.start(plan, under(first))) : undefined;
  }

  override take(from: unknown, plan: SpanPlan): OpenSpan | undefined {
    const sender = readTraceParent(from);
    if (sender === undefined) return undefined;
    return new Opened(this.start(plan, under(sender), [{ context: contextOf(sender) }]));
  }

  override async close(): Promise<void> {
    await within(CLOSE_MS, 'sending the last traces', this.provider.shutdown()).catch((error: unknown) => {
      this.log.warn('traces.not-sent', errorFields(error));
    });
  }

  private start({ name, kind = 'internal', startMs, attributes }: SpanPlan, context: Context, links: Link[] = []): Span {
    const options = { kind: KINDS[kind], attributes: { ...attributes }, links };
    return this.tracer.startSpan(name, startMs === undefined ? options : { ...options, startTime: startMs }, context);
  }
}

class Opened implements OpenSpan {
  readonly parent: TraceParent;
  private readonly name: SpanName;

  constructor(private readonly span: Span) {
    this.name = span.spanContext();
    this.parent = writeTraceParent(this.name);
  }

  run<T>(work: () => T): T {
    return inSpan(this.name, work);
  }

  end(error?: unknown): void {
    // Its code and no more: messages may quote what does not belong here.
    if (error !== undefined) {
      const message = error instanceof DroppioError ? error.code : error instanceof Error ? error.name : 'unknown';
      this.span.setStatus({ code: SpanStatusCode.ERROR, message });
    }
    this.span.end();
  }
}

const contextOf = (span: SpanName) => ({ ...span, traceFlags: TraceFlags.SAMPLED, isRemote: true });
const under = (span: SpanName): Context => trace.setSpanContext(ROOT_CONTEXT, contextOf(span));
