import { Global, Module, type DynamicModule } from '@nestjs/common';
import { Clock } from '@droppio/tips';
import { Health } from './health.js';
import { SystemClock } from './system-clock.js';

/** Name of this process, in logs, metrics and leases. */
export class Instance {
  constructor(
    readonly id: string,
    readonly service: string,
  ) {}
}

/** Global: the clock, the health registry and the process's name, for every room. */
@Global()
@Module({})
export class PlatformModule {
  static for(instance: Instance, health: Health): DynamicModule {
    return {
      module: PlatformModule,
      providers: [
        { provide: Instance, useValue: instance },
        { provide: Health, useValue: health },
        { provide: Clock, useClass: SystemClock },
      ],
      exports: [Instance, Health, Clock],
    };
  }
}
