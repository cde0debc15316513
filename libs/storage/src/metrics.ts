import { Injectable } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import { Counter, Histogram } from 'prom-client';

const COMMIT_SECONDS = {
  name: 'droppio_storage_commit_seconds',
  help: 'Time from asking for the commit of a block, a reorg or a finalisation to knowing its outcome.',
  labelNames: ['operation', 'outcome'],
  buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
};
const QUARANTINED = {
  name: 'droppio_storage_quarantined_logs_total',
  help: 'Logs and tips that were set aside instead of stored as tips.',
  labelNames: ['chain', 'code'],
};

@Injectable()
export class StorageMetrics {
  constructor(
    @InjectMetric(COMMIT_SECONDS.name) private readonly commitSeconds: Histogram,
    @InjectMetric(QUARANTINED.name) private readonly quarantinedLogs: Counter,
  ) {}

  /** For stores made by hand: counts into nothing that anybody scrapes. */
  static unregistered(): StorageMetrics {
    return new StorageMetrics(new Histogram({ ...COMMIT_SECONDS, registers: [] }), new Counter({ ...QUARANTINED, registers: [] }));
  }

  quarantined(chainId: number, code: string, count = 1): void {
    if (count > 0) this.quarantinedLogs.inc({ chain: String(chainId), code }, count);
  }

  /** Times a write by its outcome: `committed`, `moved` or `failed`. */
  async timed<T extends { readonly kind: string }>(
    operation: 'commit' | 'reorganise' | 'finalize' | 'sight',
    work: Promise<T>,
  ): Promise<T> {
    const end = this.commitSeconds.startTimer({ operation });
    try {
      const done = await work;
      end({ outcome: done.kind });
      return done;
    } catch (error) {
      end({ outcome: 'failed' });
      throw error;
    }
  }
}

export const storageMetrics = [makeHistogramProvider(COMMIT_SECONDS), makeCounterProvider(QUARANTINED), StorageMetrics];
