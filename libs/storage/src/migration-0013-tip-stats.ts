import type { QueryRunner } from 'typeorm';
import { batches, change, SteppedMigration } from './migration-steps.js';

/*
 * Sums of final tips. A final tip never changes, so a sum only grows: each one is noted once, in the transaction that makes it final, and
 * folded into the sums beside the tips' way (roll-up.ts). Whoever makes tips final cannot forget it, hence triggers; a tip that is only
 * confirmed pays for no more than the look at its state. By wallet, since wallets come to a creator and go. Buckets are quarters of an hour:
 * every time zone's days begin with one. Tokens that nobody lists are worth nothing and anybody can make them: they are left out.
 * A price that is noted when its tip is final already is a note of its own. Both orders are seen by one of the two: a price is
 * written under the lock of its tip's row, and a function's statements see what was committed before them.
 */
const TABLES = `
CREATE TABLE tip_deltas (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT tip_deltas_pkey PRIMARY KEY,
  wallet bytea NOT NULL,
  sender bytea NOT NULL,
  chain_id bigint NOT NULL,
  token bytea NOT NULL,
  symbol text NOT NULL,
  decimals integer NOT NULL,
  bucket integer NOT NULL,
  tips bigint NOT NULL,
  amount numeric NOT NULL,
  priced bigint NOT NULL,
  usd numeric NOT NULL
);

CREATE TABLE tip_totals (
  wallet bytea NOT NULL, chain_id bigint NOT NULL, token bytea NOT NULL,
  symbol text NOT NULL, decimals integer NOT NULL,
  tips bigint NOT NULL, amount numeric NOT NULL, priced bigint NOT NULL, usd numeric NOT NULL,
  CONSTRAINT tip_totals_pkey PRIMARY KEY (wallet, chain_id, token),
  CONSTRAINT tip_totals_check CHECK (tips >= 0 AND amount >= 0)
) WITH (fillfactor = 70);

CREATE TABLE tip_buckets (
  wallet bytea NOT NULL, bucket integer NOT NULL, chain_id bigint NOT NULL, token bytea NOT NULL,
  tips bigint NOT NULL, amount numeric NOT NULL, priced bigint NOT NULL, usd numeric NOT NULL,
  CONSTRAINT tip_buckets_pkey PRIMARY KEY (wallet, bucket, chain_id, token)
) WITH (fillfactor = 90);

CREATE TABLE tip_tippers (
  wallet bytea NOT NULL, chain_id bigint NOT NULL, token bytea NOT NULL, sender bytea NOT NULL,
  tips bigint NOT NULL, amount numeric NOT NULL, priced bigint NOT NULL, usd numeric NOT NULL,
  CONSTRAINT tip_tippers_pkey PRIMARY KEY (wallet, chain_id, token, sender)
);
CREATE INDEX tip_tippers_top ON tip_tippers (wallet, chain_id, token, amount DESC, sender);

CREATE TABLE tip_patrons (
  wallet bytea NOT NULL, sender bytea NOT NULL,
  tips bigint NOT NULL, priced bigint NOT NULL, usd numeric NOT NULL,
  CONSTRAINT tip_patrons_pkey PRIMARY KEY (wallet, sender)
);
CREATE INDEX tip_patrons_top ON tip_patrons (wallet, usd DESC, sender) WHERE priced > 0;

CREATE TABLE export_turns (
  creator_id uuid CONSTRAINT export_turns_pkey PRIMARY KEY CONSTRAINT export_turns_creator REFERENCES creators (id) ON DELETE CASCADE,
  holder uuid NOT NULL,
  expires_at timestamptz NOT NULL
);
`;

const TIP = (row: string): string =>
  `${row}.wallet, ${row}.sender, ${row}.chain_id, ${row}.token, ${row}.display->'amount'->>'symbol', (${row}.display->'amount'->>'decimals')::int,
    (${row}.block_time_ms / 900000)::int`;
const INTO = 'INSERT INTO tip_deltas (wallet, sender, chain_id, token, symbol, decimals, bucket, tips, amount, priced, usd)';

const NOTE_TIP = (alsoDo = ''): string => `
CREATE OR REPLACE FUNCTION note_final_tip() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  ${INTO}
  SELECT ${TIP('NEW')}, 1, NEW.amount, (v.usd IS NOT NULL)::int, coalesce(v.usd, 0)
  FROM (VALUES (1)) AS one LEFT JOIN tip_values v
    ON v.chain_id = NEW.chain_id AND v.tx_hash = NEW.tx_hash AND v.ordinal = NEW.ordinal AND v.block_hash = NEW.block_hash;${alsoDo}
  RETURN NULL;
END $$;
`;
const NOTE_VALUE = (onlyIf = ''): string => `
CREATE OR REPLACE FUNCTION note_late_value() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  before numeric := CASE WHEN TG_OP = 'UPDATE' AND OLD.block_hash = NEW.block_hash THEN OLD.usd END;
BEGIN
  IF NEW.usd IS DISTINCT FROM before THEN
    ${INTO}
    SELECT ${TIP('t')}, 0, 0, (NEW.usd IS NOT NULL)::int - (before IS NOT NULL)::int, coalesce(NEW.usd, 0) - coalesce(before, 0)
    FROM tips t WHERE t.chain_id = NEW.chain_id AND t.tx_hash = NEW.tx_hash AND t.ordinal = NEW.ordinal
      AND t.state = 'finalized' AND t.block_hash = NEW.block_hash AND t.display IS NOT NULL${onlyIf};
  END IF;
  RETURN NULL;
END $$;
`;

/*
 * Tips that were final before are noted beside the traffic, along their key. Until that is over, tips that become final are marked as noted, so
 * that they are not noted again; and a price of a tip that is not noted yet is nobody's news: whoever notes the tip sees it. The triggers of
 * prices come first, and one busy table is taken at a time.
 */
const NAME = 'TipStats1765000000000';
const MARKED = `
CREATE TABLE tips_noted (
  chain_id bigint NOT NULL, tx_hash bytea NOT NULL, ordinal integer NOT NULL,
  CONSTRAINT tips_noted_pkey PRIMARY KEY (chain_id, tx_hash, ordinal)
);`;
const PAST_STEP = 3;
const MARK = `
  INSERT INTO tips_noted (chain_id, tx_hash, ordinal) VALUES (NEW.chain_id, NEW.tx_hash, NEW.ordinal) ON CONFLICT DO NOTHING;`;
const IS_NOTED = `
      AND (EXISTS (SELECT FROM tips_noted n WHERE (n.chain_id, n.tx_hash, n.ordinal) = (t.chain_id, t.tx_hash, t.ordinal))
        OR EXISTS (SELECT FROM schema_steps s WHERE s.migration = '${NAME}' AND (s.done > ${String(PAST_STEP)}
          OR (t.chain_id, t.tx_hash, t.ordinal) <= ((s.place->>'chain')::bigint, decode(s.place->>'tx', 'hex'), (s.place->>'ordinal')::int))))`;
const VALUES_TRIGGER = `
CREATE TRIGGER tip_values_noted AFTER INSERT OR UPDATE ON tip_values FOR EACH ROW EXECUTE FUNCTION note_late_value();`;
const TIPS_TRIGGERS = `
CREATE TRIGGER tips_stored_final AFTER INSERT ON tips FOR EACH ROW
  WHEN (NEW.state = 'finalized' AND NEW.display IS NOT NULL) EXECUTE FUNCTION note_final_tip();
CREATE TRIGGER tips_became_final AFTER UPDATE OF state ON tips FOR EACH ROW
  WHEN (NEW.state = 'finalized' AND OLD.state <> 'finalized' AND NEW.display IS NOT NULL) EXECUTE FUNCTION note_final_tip();`;

/** A price that is on its way is waited for and then read; one that comes after finds how far this has got. */
const HOLD_PRICES = 'LOCK TABLE tip_values IN SHARE MODE';
const PAGE = 2000;
const NOTE_PAST = `
WITH page AS MATERIALIZED (
  SELECT * FROM tips WHERE (chain_id, tx_hash, ordinal)
    > (coalesce(($1::jsonb->>'chain')::bigint, 0), decode(coalesce($1::jsonb->>'tx', ''), 'hex'), coalesce(($1::jsonb->>'ordinal')::int, -1))
  ORDER BY chain_id, tx_hash, ordinal LIMIT ${String(PAGE)}
), noted AS (
  ${INTO}
  SELECT ${TIP('t')}, 1, t.amount, (v.usd IS NOT NULL)::int, coalesce(v.usd, 0)
  FROM page t LEFT JOIN tip_values v
    ON v.chain_id = t.chain_id AND v.tx_hash = t.tx_hash AND v.ordinal = t.ordinal AND v.block_hash = t.block_hash
  WHERE t.state = 'finalized' AND t.display IS NOT NULL
    AND NOT EXISTS (SELECT FROM tips_noted n WHERE (n.chain_id, n.tx_hash, n.ordinal) = (t.chain_id, t.tx_hash, t.ordinal))
)
SELECT count(*) = ${String(PAGE)} AS more, (SELECT jsonb_build_object('chain', chain_id, 'tx', encode(tx_hash, 'hex'), 'ordinal', ordinal)
  FROM page ORDER BY chain_id DESC, tx_hash DESC, ordinal DESC LIMIT 1) AS place
FROM page`;
/** Nobody is in the middle of a trigger when it changes, and whoever comes after finds the new one. */
const FROM_NOW_ON = `
LOCK TABLE tips, tip_values IN SHARE ROW EXCLUSIVE MODE;
${NOTE_TIP()}
${NOTE_VALUE()}
DROP TABLE tips_noted;`;

export class TipStats1765000000000 extends SteppedMigration {
  readonly name = NAME;
  readonly steps = [
    change(TABLES),
    change(MARKED + NOTE_VALUE(IS_NOTED) + VALUES_TRIGGER),
    change(NOTE_TIP(MARK) + TIPS_TRIGGERS),
    batches({ first: HOLD_PRICES, sql: NOTE_PAST }),
    change(FROM_NOW_ON),
  ];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP TRIGGER tip_values_noted ON tip_values; DROP TRIGGER tips_became_final ON tips; DROP TRIGGER tips_stored_final ON tips',
    );
    await runner.query('DROP FUNCTION note_late_value(), note_final_tip()');
    await runner.query('DROP TABLE export_turns, tip_patrons, tip_tippers, tip_buckets, tip_totals, tip_deltas');
  }
}
