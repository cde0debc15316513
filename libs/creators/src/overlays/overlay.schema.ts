import type { Overlay } from '@droppio/tips';
import { OverlayConfigDocument } from '@droppio/tips/overlay-schema';
import * as z from 'zod';
import { nameField, timeShape } from '../edge/fields.js';

export const NewOverlayBody = z.strictObject({
  name: nameField,
  config: OverlayConfigDocument.prefault({ schemaVersion: 1 }),
});
export type NewOverlayBody = z.output<typeof NewOverlayBody>;

export const OverlayChangeBody = z
  .strictObject({ name: nameField.optional(), enabled: z.boolean().optional() })
  .refine((change) => Object.values(change).some((value) => value !== undefined), 'names nothing to change');
export type OverlayChangeBody = z.output<typeof OverlayChangeBody>;

/** What a test alert looks like; everything has a sample value. */
export const TestAlertBody = z
  .strictObject({
    name: nameField.default('Test tipper'),
    message: z.string().max(2000).default('This is a test alert.'),
    amount: z
      .strictObject({
        raw: z.string().regex(/^(0|[1-9][0-9]{0,77})$/, 'must be a decimal string of smallest units'),
        decimals: z.int().min(0).max(36),
        symbol: z.string().regex(/^[A-Za-z0-9.$₮_-]{1,11}$/, 'must be 1 to 11 letters or digits'),
      })
      .default({ raw: '10000000000000000', decimals: 18, symbol: 'ETH' }),
  })
  .prefault({});
export type TestAlertBody = z.output<typeof TestAlertBody>;

export const OverlayView = z
  .object({
    id: z.string(),
    name: z.string(),
    enabled: z.boolean(),
    tokenVersion: z.int().meta({ description: 'Raised by each rotation.' }),
    configVersion: z.int().meta({ description: 'Raised by each change of the config, and part of its ETag.' }),
    createdAt: timeShape,
  })
  .meta({ id: 'Overlay' });
export type OverlayView = z.output<typeof OverlayView>;

export const OverlayList = z.object({ data: z.array(OverlayView) }).meta({ id: 'OverlayList' });

export const OverlayUrlView = z
  .object({
    pageUrl: z.string().meta({
      description:
        'For the browser source. Whoever has it sees the alerts: keep it off the stream. To look at it elsewhere (a dock of OBS, a dashboard), put `?preview=1` before the `#`: it is then silent, and takes nothing from the sources.',
    }),
    webSocketUrl: z.string().meta({ description: 'The same overlay for any WebSocket client.' }),
  })
  .meta({ id: 'OverlayUrl' });
export type OverlayUrlView = z.output<typeof OverlayUrlView>;

export const TestAlertView = z.object({ id: z.string() }).meta({ id: 'TestAlert' });

export const OverlayConfigView = OverlayConfigDocument.meta({ id: 'OverlayConfig' });

export const ConfigCheckView = z
  .object({
    config: OverlayConfigView.meta({ description: 'As it would be stored: everything filled in.' }),
    warnings: z.array(z.object({ pointer: z.string().meta({ description: 'RFC 6901.' }), code: z.string(), message: z.string() })),
  })
  .meta({ id: 'OverlayConfigCheck' });

export const CommandView = z.object({ id: z.string() }).meta({ id: 'OverlayCommand' });

export function overlayView({ id, name, enabled, version, configVersion, createdAt }: Overlay): OverlayView {
  return { id, name, enabled, tokenVersion: version, configVersion, createdAt: createdAt.toISOString() };
}
