import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { Gauge, register } from 'prom-client';

/** Share of its memory that the process uses: of the heap's limit, or of the container's, whichever is worse. */
export function memoryRatio(): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  // 0, or more than there is, when nothing is constrained.
  const container = process.constrainedMemory();
  const isConstrained = container > 0 && container <= totalmem();
  return Math.max(used / limit, isConstrained ? process.memoryUsage.rss() / container : 0);
}

/** What every process tells of itself, beside what prom-client knows. The registry is the process's own; a second app in it tells the same. */
export function tellOfProcess(service: string, version: string, revision: string): void {
  build().set({ service, version, revision }, 1);
  if (register.getSingleMetric('droppio_platform_memory_ratio') !== undefined) return;
  new Gauge({
    name: 'droppio_platform_memory_ratio',
    help: 'Share of the heap or of the container that is used, whichever is worse.',
    collect() {
      this.set(memoryRatio());
    },
  });
}

let info: Gauge<'service' | 'version' | 'revision'> | undefined;

function build(): Gauge<'service' | 'version' | 'revision'> {
  return (info ??= new Gauge({
    name: 'droppio_build_info',
    help: 'Always 1; what this process was built from.',
    labelNames: ['service', 'version', 'revision'],
  }));
}
