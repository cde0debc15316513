import { Controller, Get, Module, Res, type DynamicModule } from '@nestjs/common';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import type { Response } from 'express';
import { register } from 'prom-client';
import { Health, type HealthReport } from './health.js';
import { Stats, StatsController } from './stats.js';

@Controller('health')
class HealthController {
  constructor(private readonly health: Health) {}

  @Get('live')
  async live(@Res({ passthrough: true }) response: Response): Promise<HealthReport> {
    return answer(response, await this.health.alive());
  }

  @Get('ready')
  async ready(@Res({ passthrough: true }) response: Response): Promise<HealthReport> {
    return answer(response, await this.health.ready());
  }
}

function answer(response: Response, report: HealthReport): HealthReport {
  response.status(report.ok ? 200 : 503).header('Cache-Control', 'no-store');
  return report;
}

/** What operators and orchestrators ask, on a port of its own that no public route leads to: `/metrics`, `/health/live`, `/health/ready`, `/stats`. */
@Module({})
export class InternalModule {
  static for(health: Health, stats: Stats): DynamicModule {
    // The registry is the process's own; a second app in it must not declare the process metrics again.
    const enabled = register.getSingleMetric('process_cpu_seconds_total') === undefined;
    return {
      module: InternalModule,
      imports: [PrometheusModule.register({ defaultMetrics: { enabled } })],
      controllers: [HealthController, StatsController],
      providers: [
        { provide: Health, useValue: health },
        { provide: Stats, useValue: stats },
      ],
    };
  }
}
