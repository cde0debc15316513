import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Clock, OverlayVitals, within, type Creator, type OverlayPulse } from '@droppio/tips';
import * as z from 'zod';
import { Me } from '../access/access.js';
import { idField, timeShape } from '../edge/fields.js';
import { OverlaysService } from './overlays.service.js';

const VITALS_WAIT_MS = 2000;

const millis = z.int().nullable();
export const OverlayHealthView = z
  .object({
    instances: z.int().meta({
      description:
        'Pages that are connected now, or ask for events again and again. Previews do not count. About right: it is told every five seconds.',
    }),
    lastSeenAt: timeShape.nullable().meta({ description: 'When a page was last connected; null when none was in the last 30 days.' }),
    lastShownAt: timeShape
      .nullable()
      .meta({ description: 'When a page last reported that a tip is on the screen. Tests and replays do not count.' }),
    chainToScreenMs: z
      .object({ count: z.int(), p50: millis, p95: millis })
      .meta({ description: 'From the block to the screen, over the newest alerts that were shown, at most 100.' }),
  })
  .meta({ id: 'OverlayHealth' });
type OverlayHealthView = z.output<typeof OverlayHealthView>;

@ApiTags('overlays')
@Controller('v1/overlays/:id/health')
export class OverlayHealthController {
  constructor(
    private readonly overlays: OverlaysService,
    private readonly vitals: OverlayVitals,
    private readonly clock: Clock,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Whether the overlay is on air, and how soon tips are on its screen', operationId: 'getOverlayHealth' })
  @ApiOkResponse({ standardSchema: OverlayHealthView, description: 'As its pages and gateways tell.' })
  async health(@Me() me: Creator, @Param('id', { schema: idField }) id: string): Promise<OverlayHealthView> {
    await this.overlays.get(me.id, id);
    return healthView(await within(VITALS_WAIT_MS, 'asking for the vitals', this.vitals.of(id)), this.clock.now());
  }
}

export function healthView({ instances, seenAtMs, shownAtMs, latenciesMs }: OverlayPulse, now: number): OverlayHealthView {
  const sorted = [...latenciesMs].sort((a, b) => a - b);
  return {
    instances,
    lastSeenAt: timeOf(instances > 0 ? now : seenAtMs),
    lastShownAt: timeOf(shownAtMs),
    chainToScreenMs: { count: sorted.length, p50: rank(sorted, 0.5), p95: rank(sorted, 0.95) },
  };
}

function timeOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

/** Nearest rank: always a latency that was measured. */
function rank(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}
