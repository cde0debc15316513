import type { QueryRunner } from 'typeorm';
import { change, SteppedMigration } from './migration-steps.js';

/*
 * What several processes on one database must agree on where no Redis does it. All of it may be gone at any moment and comes back by use, so it is
 * UNLOGGED: no write-ahead log, no wait for the disk, empty after a crash. Rows that change with every event, word or request keep free room on
 * their page, and no index has a column that changes.
 */
const TABLES = `
CREATE UNLOGGED TABLE feed_streams (
  creator_id uuid CONSTRAINT feed_streams_pkey PRIMARY KEY,
  epoch text NOT NULL,
  head bigint NOT NULL CONSTRAINT feed_streams_head_check CHECK (head >= 0),
  tail bigint NOT NULL CONSTRAINT feed_streams_tail_check CHECK (tail >= 0 AND tail <= head),
  generation uuid NOT NULL,
  ended text,
  published_ms bigint,
  used_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

CREATE UNLOGGED TABLE feed_grants (
  creator_id uuid NOT NULL,
  overlay_id uuid NOT NULL,
  payload jsonb NOT NULL,
  CONSTRAINT feed_grants_pkey PRIMARY KEY (creator_id, overlay_id)
);

CREATE UNLOGGED TABLE feed_presence (
  kind text NOT NULL CONSTRAINT feed_presence_kind_check CHECK (kind IN ('creator', 'overlay')),
  source text NOT NULL,
  sockets jsonb NOT NULL,
  total integer NOT NULL,
  fades_at timestamptz NOT NULL,
  CONSTRAINT feed_presence_pkey PRIMARY KEY (kind, source)
) WITH (fillfactor = 50);

CREATE UNLOGGED TABLE overlay_vitals (
  overlay_id uuid CONSTRAINT overlay_vitals_pkey PRIMARY KEY,
  seen_at_ms bigint,
  shown_at_ms bigint,
  latencies_ms double precision[] NOT NULL,
  noted_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

CREATE UNLOGGED TABLE rate_windows (
  key text CONSTRAINT rate_windows_pkey PRIMARY KEY,
  hits integer NOT NULL,
  ends_at timestamptz NOT NULL
) WITH (fillfactor = 50)`;

export class Feed1765600000000 extends SteppedMigration {
  readonly name = 'Feed1765600000000';
  readonly steps = [change(TABLES)];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE feed_streams, feed_grants, feed_presence, overlay_vitals, rate_windows');
  }
}
