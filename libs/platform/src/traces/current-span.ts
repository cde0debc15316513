import { AsyncLocalStorage } from 'node:async_hooks';
import type { SpanName } from './traces.js';

const spans = new AsyncLocalStorage<SpanName>();

/** The span that the caller is in, for log lines. */
export function currentSpan(): SpanName | undefined {
  return spans.getStore();
}

export function inSpan<T>(span: SpanName, work: () => T): T {
  return spans.run(span, work);
}
