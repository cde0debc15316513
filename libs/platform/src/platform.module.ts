import { Global, Module, type DynamicModule } from '@nestjs/common';
import { Clock } from '@droppio/tips';
import { Health } from './health.js';
import { Stats } from './stats.js';
import { SystemClock } from './system-clock.js';
import { NO_TRACES, Traces } from './traces/traces.js';

/** Name of this process, in logs, metrics and leases. */
export class Instance {
  constructor(
    readonly id: string,
    readonly service: string,
  ) {}
}

/** Global: the clock, what operators are told, traces, and the process's name, for every room. */
@Global()
@Module({})
export class PlatformModule {
  static for(instance: Instance, health: Health, stats = new Stats(), traces = NO_TRACES): DynamicModule {
    return {
      module: PlatformModule,
      providers: [
        { provide: Instance, useValue: instance },
        { provide: Health, useValue: health },
        { provide: Stats, useValue: stats },
        { provide: Traces, useValue: traces },
        { provide: Clock, useClass: SystemClock },
      ],
      exports: [Instance, Health, Stats, Traces, Clock],
    };
  }
}
