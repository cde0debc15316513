import { Counter, Gauge, Histogram } from 'prom-client';
import { FanOutMetrics, FeedMetrics, LossMetrics, SocketMetrics, TrafficMetrics } from '../metrics.js';
import { RedisMetrics } from '../node-metrics.js';

let made = 0;
const options = (...labelNames: string[]) => ({ name: `test_${String((made += 1))}`, help: 'test', labelNames, registers: [] });
const counter = (...labels: string[]) => new Counter(options(...labels));
const gauge = (...labels: string[]) => new Gauge(options(...labels));
const histogram = (...labels: string[]) => new Histogram(options(...labels));

/** Metrics outside of any registry, so that tests in one process do not count each other. */
export function unregisteredMetrics() {
  return {
    socket: new SocketMetrics(
      gauge('state', 'transport'),
      counter('result', 'transport'),
      counter('code', 'transport'),
      histogram('transport'),
      histogram(),
    ),
    traffic: new TrafficMetrics(histogram(), counter('op'), counter(), counter(), counter()),
    feed: new FeedMetrics(gauge(), counter('source', 'recovered'), histogram(), counter('source'), counter()),
    fanOut: new FanOutMetrics(histogram(), histogram('stage', 'chain'), counter(), counter(), gauge()),
    losses: new LossMetrics(counter('reason'), counter('reason')),
    redis: new RedisMetrics(histogram('command', 'outcome'), counter('command'), counter(), counter('kind'), histogram()),
  };
}

export async function valueOf(metric: Counter | Gauge, labels: Record<string, string> = {}): Promise<number> {
  const { values } = await metric.get();
  return values
    .filter((one) => Object.entries(labels).every(([name, value]) => one.labels[name] === value))
    .reduce((sum, one) => sum + one.value, 0);
}
