import { Injectable, type Provider } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import { Counter, Histogram, type CounterConfiguration, type HistogramConfiguration } from 'prom-client';
import type { AppendOutcome, RelayTask, WebhookJob } from '@droppio/tips';

const appends: CounterConfiguration<'outcome'> = {
  name: 'droppio_broker_appends_total',
  help: 'Events offered to a feed, by what the feed made of them.',
  labelNames: ['outcome'],
};
const restores: CounterConfiguration<'outcome'> = {
  name: 'droppio_broker_restores_total',
  help: 'Feeds rewritten from the ledger; `behind` when the feed knew more than the snapshot, `ended` when its creator is gone.',
  labelNames: ['outcome'],
};
const corrupt: CounterConfiguration<'what'> = {
  name: 'droppio_broker_corrupt_entries_total',
  help: 'Values read back from the store that do not have our shape; each heals by a restore.',
  labelNames: ['what'],
};
const commands: HistogramConfiguration<'command' | 'outcome'> = {
  name: 'droppio_broker_command_seconds',
  help: 'Time of one command to the store, waiting for a connection included.',
  labelNames: ['command', 'outcome'],
  buckets: [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5],
};
const interruptions: CounterConfiguration<'connection'> = {
  name: 'droppio_broker_interruptions_total',
  help: 'Connections to the store that broke and are being made anew.',
  labelNames: ['connection'],
};
const jobs: CounterConfiguration<'task' | 'outcome'> = {
  name: 'droppio_broker_jobs_total',
  help: 'Runs of jobs for feeds and webhooks: done, retried (will run again), failed (given up).',
  labelNames: ['task', 'outcome'],
};
const workerRestarts: CounterConfiguration<string> = {
  name: 'droppio_broker_worker_restarts_total',
  help: 'Queue workers replaced because jobs waited and none was taken.',
};

const countedAlone: CounterConfiguration<string> = {
  name: 'droppio_broker_rates_counted_alone_total',
  help: 'Hits that a process counted for itself because the shared store was away.',
};

@Injectable()
export class RateMetrics {
  constructor(@InjectMetric(countedAlone.name) private readonly alone: Counter) {}

  countedAlone(): void {
    this.alone.inc();
  }
}

@Injectable()
export class FeedMetrics {
  constructor(
    @InjectMetric(appends.name) private readonly appends: Counter<'outcome'>,
    @InjectMetric(restores.name) private readonly restores: Counter<'outcome'>,
    @InjectMetric(corrupt.name) private readonly corrupt: Counter<'what'>,
  ) {}

  appended(outcome: AppendOutcome['kind']): void {
    this.appends.inc({ outcome });
  }

  restored(outcome: 'restored' | 'behind' | 'ended'): void {
    this.restores.inc({ outcome });
  }

  corrupted(what: 'entry' | 'grant' | 'meta' | 'signal'): void {
    this.corrupt.inc({ what });
  }
}

@Injectable()
export class LinkMetrics {
  constructor(
    @InjectMetric(commands.name) private readonly commands: Histogram<'command' | 'outcome'>,
    @InjectMetric(interruptions.name) private readonly interruptions: Counter<'connection'>,
  ) {}

  /** Starts the clock of one command; call the answer when it is over. */
  time(command: string): (outcome: 'ok' | 'error') => void {
    const stop = this.commands.startTimer({ command });
    return (outcome) => {
      stop({ outcome });
    };
  }

  interrupted(connection: string): void {
    this.interruptions.inc({ connection });
  }
}

@Injectable()
export class QueueMetrics {
  constructor(
    @InjectMetric(jobs.name) private readonly jobs: Counter<'task' | 'outcome'>,
    @InjectMetric(workerRestarts.name) private readonly restarts: Counter,
  ) {}

  ran(task: RelayTask | WebhookJob['task'], outcome: 'done' | 'retried' | 'failed'): void {
    this.jobs.inc({ task, outcome });
  }

  workerRestarted(): void {
    this.restarts.inc();
  }
}

/** What a module lists to have them injected. */
export const metricProviders: readonly Provider[] = [
  makeCounterProvider(appends),
  makeCounterProvider(restores),
  makeCounterProvider(corrupt),
  makeHistogramProvider(commands),
  makeCounterProvider(interruptions),
  makeCounterProvider(jobs),
  makeCounterProvider(workerRestarts),
  makeCounterProvider(countedAlone),
  FeedMetrics,
  LinkMetrics,
  QueueMetrics,
  RateMetrics,
];

/** Without Nest and without a registry. */
export function unregisteredMetrics(): { feed: FeedMetrics; link: LinkMetrics; queue: QueueMetrics } {
  const registers: [] = [];
  return {
    feed: new FeedMetrics(
      new Counter({ ...appends, registers }),
      new Counter({ ...restores, registers }),
      new Counter({ ...corrupt, registers }),
    ),
    link: new LinkMetrics(new Histogram({ ...commands, registers }), new Counter({ ...interruptions, registers })),
    queue: new QueueMetrics(new Counter({ ...jobs, registers }), new Counter({ ...workerRestarts, registers })),
  };
}
