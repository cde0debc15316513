import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  Clock,
  NotFound,
  OverlayKeeper,
  PreconditionFailed,
  TIP_TTL_MS,
  type ExpectedVersion,
  type Overlay,
  type OverlayConfig,
  type OverlayStanding,
} from '@droppio/tips';
import * as z from 'zod';
import { Database } from './database.js';
import { BUMP, configEvent, OVERLAY, STREAM } from './directory-statements.js';
import { isId } from './event-log.js';
import { ChangedOverlay } from './overlay-rows.js';
import { withQueue } from './queue-statements.js';
import { StoredGrant } from './stored-event.js';

/*
 * $1 creator, $2 overlay, $3 config, $4 versions that may be replaced or null for any, $5 now, $6 ttl. No row: no such overlay; one whose
 * \`overlay\` is null: it has another version. The row is locked before its version is compared, so the comparison holds when it is set.
 */
const CONFIGURE = `
WITH before AS (
  SELECT config, config_version FROM overlays WHERE id = $2 AND creator_id = $1 FOR UPDATE
), overlay AS (
  UPDATE overlays o SET config = $3::jsonb, config_version = before.config_version + (before.config <> $3::jsonb)::int
  FROM before WHERE o.id = $2 AND ($4::int[] IS NULL OR o.config_version = ANY ($4::int[]))
  RETURNING o.id, o.creator_id, o.name, o.enabled, o.version, o.config, o.config_version, o.created_at, before.config <> $3::jsonb AS told
), stream AS (
  UPDATE creator_streams ${BUMP} WHERE creator_id = (SELECT creator_id FROM overlay WHERE told) RETURNING ${STREAM}
), event AS (${configEvent('$5', '$6')})
SELECT ${OVERLAY} FROM (SELECT 1 AS one FROM before) found LEFT JOIN overlay ON true`;

/** $1 creator, $2 overlay, $3 now, $4 ttl. The last word about it is that it is disabled: gateways that hold it close its sockets. */
const REMOVE = `
WITH overlay AS (
  DELETE FROM overlays WHERE id = $2 AND creator_id = $1 RETURNING id, creator_id, version + 1 AS version, false AS enabled, config
), stream AS (
  UPDATE creator_streams ${BUMP} WHERE creator_id = (SELECT creator_id FROM overlay) RETURNING ${STREAM}
), event AS (${configEvent('$3', '$4')})
SELECT id FROM overlay`;

/** $1 creator, $2 overlay, $3 event id, $4 action, $5 now, $6 ttl. */
const COMMAND = `
WITH stream AS (
  UPDATE creator_streams ${BUMP}
  WHERE creator_id = (SELECT creator_id FROM overlays WHERE id = $2 AND creator_id = $1) RETURNING creator_id, head
)
INSERT INTO creator_events (creator_id, seq, type, payload)
SELECT creator_id, head, 'control', jsonb_build_object('seq', head, 'id', $3::text, 'type', 'control',
  'at', jsonb_build_object('seen', $5::bigint), 'ttlMs', $6::int, 'd', jsonb_build_object('action', $4::text, 'overlayId', $2::text))
FROM stream RETURNING payload->>'id' AS id`;

/** $1 creator, $2 overlay. One statement, so one view of both. */
export const STANDING = `
SELECT s.epoch, s.head, jsonb_build_object('overlayId', o.id, 'version', o.version, 'enabled', o.enabled, 'config', ${withQueue('o.config', 's')}) AS granted
FROM overlays o JOIN creator_streams s ON s.creator_id = o.creator_id WHERE o.creator_id = $1 AND o.id = $2`;

const Standing = z
  .object({ epoch: z.string(), head: z.coerce.number(), granted: StoredGrant })
  .transform(({ epoch, head, granted }): OverlayStanding => ({ position: { epoch, seq: head }, grant: granted }));
const Told = z.object({ id: z.string() });
const Refused = z.object({ id: z.null() }).transform(() => undefined);

@Injectable()
export class PostgresOverlayKeeper extends OverlayKeeper {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {
    super();
  }

  override async standing(creatorId: string, overlayId: string): Promise<OverlayStanding | undefined> {
    if (!isId(creatorId) || !isId(overlayId)) return undefined;
    return (await this.database.rows(Standing, STANDING, [creatorId, overlayId]))[0];
  }

  override async configure(creatorId: string, overlayId: string, config: OverlayConfig, expected: ExpectedVersion): Promise<Overlay> {
    if (!isId(creatorId) || !isId(overlayId)) throw noOverlay();
    const versions = expected === 'any' ? null : `{${expected.join(',')}}`;
    const values = [creatorId, overlayId, JSON.stringify(config), versions, this.clock.now(), TIP_TTL_MS];
    const rows = await this.database.rows(z.union([Refused, ChangedOverlay]), CONFIGURE, values);
    if (rows.length === 0) throw noOverlay();
    const [overlay] = rows;
    if (overlay === undefined) throw new PreconditionFailed('The config was changed in the meantime. Read it again.');
    return overlay;
  }

  override async remove(creatorId: string, overlayId: string): Promise<void> {
    if (!isId(creatorId) || !isId(overlayId)) throw noOverlay();
    const removed = await this.database.rows(Told, REMOVE, [creatorId, overlayId, this.clock.now(), TIP_TTL_MS]);
    if (removed.length === 0) throw noOverlay();
  }

  override async command(creatorId: string, overlayId: string, action: string): Promise<string> {
    if (!isId(creatorId) || !isId(overlayId)) throw noOverlay();
    const values = [creatorId, overlayId, randomUUID(), action, this.clock.now(), TIP_TTL_MS];
    const [told] = await this.database.rows(Told, COMMAND, values);
    if (told === undefined) throw noOverlay();
    return told.id;
  }
}

const noOverlay = (): NotFound => new NotFound('There is no such overlay.');
