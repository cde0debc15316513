import type { QueryRunner } from 'typeorm';
import { change, SteppedMigration } from './migration-steps.js';

/*
 * `cursor`: deliveries are written for all events up to this seq. `wake_at`: when there is next something to do, by what its pending deliveries
 * and its rest say; the sweep looks at nothing else. A delivery that is being attempted is `claimed` until its `next_at`.
 */
const TABLES = `
CREATE TABLE webhooks (
  id uuid PRIMARY KEY,
  creator_id uuid NOT NULL CONSTRAINT webhooks_creator REFERENCES creators (id) ON DELETE CASCADE,
  url text NOT NULL CHECK (length(url) <= 2048),
  description text NOT NULL,
  types text[] NOT NULL,
  secret bytea NOT NULL,
  old_secret bytea,
  old_secret_until timestamptz,
  disabled_reason text CHECK (disabled_reason IN ('asked', 'gone', 'failing')),
  cursor bigint NOT NULL CHECK (cursor >= 0),
  failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
  failing_since timestamptz,
  rests_until timestamptz,
  wake_at timestamptz,
  last_ms integer CHECK (last_ms >= 0),
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK ((old_secret IS NULL) = (old_secret_until IS NULL)),
  CHECK ((failing_since IS NULL) = (failures = 0))
) WITH (fillfactor = 50);
CREATE INDEX webhooks_of ON webhooks (creator_id, created_at, id);
CREATE INDEX webhooks_listening ON webhooks (creator_id, id) WHERE disabled_reason IS NULL;
CREATE INDEX webhooks_due ON webhooks (wake_at) WHERE disabled_reason IS NULL AND wake_at IS NOT NULL;

CREATE TABLE webhook_deliveries (
  id uuid PRIMARY KEY,
  nth bigint GENERATED ALWAYS AS IDENTITY,
  webhook_id uuid NOT NULL CONSTRAINT webhook_deliveries_webhook REFERENCES webhooks (id) ON DELETE CASCADE,
  seq bigint CHECK (seq > 0),
  event_id text NOT NULL,
  type text NOT NULL,
  event_at timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
  attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  next_at timestamptz DEFAULT now(),
  claimed boolean NOT NULL DEFAULT false,
  last_status integer,
  last_fault text,
  last_ms integer CHECK (last_ms >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  delivered_at timestamptz,
  CONSTRAINT webhook_deliveries_once UNIQUE (webhook_id, seq),
  CHECK ((state = 'pending') = (next_at IS NOT NULL)),
  CHECK (state = 'pending' OR NOT claimed),
  CHECK ((state = 'delivered') = (delivered_at IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX webhook_deliveries_log ON webhook_deliveries (webhook_id, nth);
CREATE INDEX webhook_deliveries_log_by_state ON webhook_deliveries (webhook_id, state, nth);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at, nth) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_deliveries_claimed ON webhook_deliveries (webhook_id) WHERE claimed;
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (created_at);
`;

export class Webhooks1764800000000 extends SteppedMigration {
  readonly name = 'Webhooks1764800000000';
  readonly steps = [change(TABLES)];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE webhook_deliveries, webhooks');
  }
}
