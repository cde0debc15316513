import { Global, Module, type DynamicModule } from '@nestjs/common';
import { Clock } from '@droppio/tips';
import { Health } from './health.js';
import { Stats } from './stats.js';
import { SystemClock } from './system-clock.js';

/** Name of this process, in logs, metrics and leases. */
export class Instance {
  constructor(
    readonly id: string,
    readonly service: string,
  ) {}
}

/** Global: the clock, what operators are told, and the process's name, for every room. */
@Global()
@Module({})
export class PlatformModule {
  static for(instance: Instance, health: Health, stats = new Stats()): DynamicModule {
    return {
      module: PlatformModule,
      providers: [
        { provide: Instance, useValue: instance },
        { provide: Health, useValue: health },
        { provide: Stats, useValue: stats },
        { provide: Clock, useClass: SystemClock },
      ],
      exports: [Instance, Health, Stats, Clock],
    };
  }
}
