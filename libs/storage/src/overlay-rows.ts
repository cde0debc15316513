import { readOverlayConfig } from '@droppio/tips/overlay-schema';
import type { Overlay } from '@droppio/tips';
import * as z from 'zod';

/** An overlay as our statements return it; see `OVERLAY`. */
export const ChangedOverlay = z
  .object({
    id: z.string(),
    creator_id: z.string(),
    name: z.string(),
    enabled: z.boolean(),
    version: z.number(),
    config: z.unknown().transform(readOverlayConfig),
    config_version: z.number(),
    created_at: z.date(),
  })
  .transform(({ creator_id, config_version, created_at, ...overlay }): Overlay => {
    return { ...overlay, creatorId: creator_id, configVersion: config_version, createdAt: created_at };
  });
