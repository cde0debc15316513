import { ConsoleLogger, Logger } from '@nestjs/common';
import { ExportResultCode } from '@opentelemetry/core';
import { InMemorySpanExporter, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { afterEach, describe, expect, it } from 'vitest';
import { JsonLogger } from '../json-logger.js';
import { currentSpan } from './current-span.js';
import { OtlpTraces } from './otlp-traces.js';
import { firstSpanOf, isSampled } from './tip-ids.js';
import { NO_TRACES, readTraceParent } from './traces.js';

const TIP = `8453-0x${'ab'.repeat(32)}-0`;
const options = { url: 'http://127.0.0.1:9/v1/traces', ratio: 1, service: 'listener', instance: 'pod-a', version: '1.2.3' };
const plan = { name: 'tip.block', attributes: { 'droppio.chain_id': 8453 } };

/** Keeps what it was given beyond its shutdown. */
class Kept extends InMemorySpanExporter {
  readonly spans: ReadableSpan[] = [];

  override export(...[spans, done]: Parameters<SpanExporter['export']>): void {
    this.spans.push(...spans);
    super.export(spans, done);
  }
}

async function recorded(act: (traces: OtlpTraces) => void, ratio = 1): Promise<readonly ReadableSpan[]> {
  const kept = new Kept();
  const traces = new OtlpTraces({ ...options, ratio }, kept);
  act(traces);
  await traces.close();
  return kept.spans;
}

describe(OtlpTraces.name, () => {
  it('begins the trace of a tip with the same ids in every process', async () => {
    const act = (traces: OtlpTraces): void => traces.begin(TIP, plan)?.end();
    const [one] = await recorded(act);
    const [other] = await recorded(act);
    const { traceId, spanId } = firstSpanOf(TIP);
    for (const span of [one, other]) expect(span?.spanContext()).toMatchObject({ traceId, spanId });
    expect(one?.parentSpanContext).toBeUndefined();
    expect(one?.resource.attributes).toMatchObject({
      'service.name': 'listener',
      'service.instance.id': 'pod-a',
      'service.version': '1.2.3',
    });
  });

  it('goes on with it where nobody has told of it', async () => {
    const [span] = await recorded((traces) => traces.follow(TIP, { ...plan, name: 'tip.publish' })?.end());
    const first = firstSpanOf(TIP);
    expect(span?.spanContext().traceId).toBe(first.traceId);
    expect(span?.spanContext().spanId).not.toBe(first.spanId);
    expect(span?.parentSpanContext?.spanId).toBe(first.spanId);
  });

  it('takes over from another process: in its trace, under its span, and linked to it', async () => {
    let parent = '';
    const [publish] = await recorded((traces) => {
      const span = traces.follow(TIP, { ...plan, kind: 'producer' });
      parent = span?.parent ?? '';
      span?.end();
    });
    const [fanOut] = await recorded((traces) => traces.take(parent, { ...plan, kind: 'consumer' })?.end());
    const sender = publish?.spanContext();
    expect(fanOut?.spanContext().traceId).toBe(sender?.traceId);
    expect(fanOut?.parentSpanContext?.spanId).toBe(sender?.spanId);
    expect(fanOut?.links.map(({ context }) => context.spanId)).toEqual([sender?.spanId]);
  });

  it.each(['', 'nonsense', 7, undefined, `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`, `00-${'a'.repeat(32)}-${'1'.repeat(16)}-00`])(
    'takes nothing over from %j',
    async (from) => {
      expect(await recorded((traces) => traces.take(from, plan)?.end())).toEqual([]);
    },
  );

  it('records a share of the tips, and of each all or nothing', async () => {
    const tips = Array.from({ length: 400 }, (_, i) => `1-0x${String(i)}-0`);
    const names = new Map<string, number>();
    const spans = await recorded((traces) => {
      for (const tip of tips) {
        traces.begin(tip, plan)?.end();
        traces.follow(tip, plan)?.end();
      }
    }, 0.25);
    for (const span of spans) names.set(span.spanContext().traceId, (names.get(span.spanContext().traceId) ?? 0) + 1);
    expect([...new Set(names.values())]).toEqual([2]);
    expect(names.size).toBeGreaterThan(60);
    expect(names.size).toBeLessThan(140);
    expect(isSampled('f'.repeat(32), 1)).toBe(true);
    expect(isSampled('0'.repeat(32), 0)).toBe(false);
  });

  it('tells of an error its code and not its words', async () => {
    const [span] = await recorded((traces) => traces.begin(TIP, plan)?.end(new TypeError('a message of a viewer')));
    expect(span?.status.message).toBe('TypeError');
  });

  it('names the trace in what is logged inside of a span, and nowhere else', async () => {
    const lines: string[] = [];
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = (text: unknown) => lines.push(String(text)) > 0;
    try {
      const logger = new JsonLogger('gateway', 'pod-a', 'log', '1.2.3');
      await recorded((traces) => {
        traces.begin(TIP, plan)?.run(() => {
          logger.log('inside');
        });
        logger.log('outside');
      });
    } finally {
      process.stdout.write = write;
    }
    const [inside, outside] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(inside).toMatchObject({ message: 'inside', version: '1.2.3', ...firstSpanOf(TIP) });
    expect(outside).not.toHaveProperty('traceId');
    expect(currentSpan()).toBeUndefined();
  });
});

describe('a collector that is away', () => {
  const warnings: string[] = [];
  afterEach(() => {
    Logger.overrideLogger(new ConsoleLogger());
  });

  it('costs one line a minute and no more, and holds up no shutdown', async () => {
    const away: SpanExporter = {
      export: (_spans, done) => {
        done({ code: ExportResultCode.FAILED, error: new Error('connect ECONNREFUSED http://collector:4318/v1/traces?key=canary') });
      },
      shutdown: () => new Promise(() => undefined),
    };
    const traces = new OtlpTraces(options, away);
    Logger.overrideLogger({
      log: () => undefined,
      error: () => undefined,
      warn: (...said: unknown[]) => warnings.push(JSON.stringify(said)),
    });
    // Four batches at least.
    for (let i = 0; i < 1000; i += 1) traces.begin(`1-0x${String(i)}-0`, plan)?.end();
    const began = performance.now();
    await traces.close();
    expect(performance.now() - began).toBeLessThan(4000);
    const complaints = warnings.join('').split('traces.not-sent').length - 1;
    // One of the exporter, and that the shutdown waited for nothing.
    expect(complaints).toBe(2);
    expect(warnings.join('')).not.toContain('canary');
  });
});

describe('no traces', () => {
  it('record nothing and read nothing', () => {
    expect(NO_TRACES.isOn).toBe(false);
    expect(NO_TRACES.begin(TIP, plan)).toBeUndefined();
    expect(NO_TRACES.follow(TIP, plan)).toBeUndefined();
    expect(NO_TRACES.take(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, plan)).toBeUndefined();
    expect(readTraceParent(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)).toBeDefined();
  });
});
