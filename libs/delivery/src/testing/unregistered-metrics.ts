import { Counter, Gauge, Histogram } from 'prom-client';
import { FanOutMetrics, FeedMetrics, NodeMetrics, SocketMetrics } from '../metrics.js';

let made = 0;
const options = (labelNames: string[] = []) => ({ name: `test_${String((made += 1))}`, help: 'test', labelNames, registers: [] });

/** Metrics outside of any registry, so that tests in one process do not count each other. */
export function unregisteredMetrics(): { socket: SocketMetrics; feed: FeedMetrics; fanOut: FanOutMetrics; node: NodeMetrics } {
  return {
    socket: new SocketMetrics(
      new Gauge(options(['state'])),
      new Counter(options(['result'])),
      new Counter(options(['code'])),
      new Histogram(options()),
      new Histogram(options()),
    ),
    feed: new FeedMetrics(
      new Gauge(options()),
      new Counter(options(['source', 'recovered'])),
      new Histogram(options()),
      new Counter(options()),
      new Counter(options()),
    ),
    fanOut: new FanOutMetrics(
      new Histogram(options()),
      new Histogram(options(['stage'])),
      new Counter(options()),
      new Counter(options()),
      new Gauge(options()),
    ),
    node: new NodeMetrics(new Gauge(options()), new Gauge(options()), new Gauge(options()), new Gauge(options(['instance', 'service']))),
  };
}

export async function valueOf(metric: Counter | Gauge, labels: Record<string, string> = {}): Promise<number> {
  const { values } = await metric.get();
  return values
    .filter((one) => Object.entries(labels).every(([name, value]) => one.labels[name] === value))
    .reduce((sum, one) => sum + one.value, 0);
}
