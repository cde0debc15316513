import type { MigrationInterface, QueryRunner } from 'typeorm';

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

const TRIGGERS = `
CREATE FUNCTION note_final_tip() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  ${INTO}
  SELECT ${TIP('NEW')}, 1, NEW.amount, (v.usd IS NOT NULL)::int, coalesce(v.usd, 0)
  FROM (VALUES (1)) AS one LEFT JOIN tip_values v
    ON v.chain_id = NEW.chain_id AND v.tx_hash = NEW.tx_hash AND v.ordinal = NEW.ordinal AND v.block_hash = NEW.block_hash;
  RETURN NULL;
END $$;
CREATE TRIGGER tips_stored_final AFTER INSERT ON tips FOR EACH ROW
  WHEN (NEW.state = 'finalized' AND NEW.display IS NOT NULL) EXECUTE FUNCTION note_final_tip();
CREATE TRIGGER tips_became_final AFTER UPDATE OF state ON tips FOR EACH ROW
  WHEN (NEW.state = 'finalized' AND OLD.state <> 'finalized' AND NEW.display IS NOT NULL) EXECUTE FUNCTION note_final_tip();

CREATE FUNCTION note_late_value() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  before numeric := CASE WHEN TG_OP = 'UPDATE' AND OLD.block_hash = NEW.block_hash THEN OLD.usd END;
BEGIN
  IF NEW.usd IS DISTINCT FROM before THEN
    ${INTO}
    SELECT ${TIP('t')}, 0, 0, (NEW.usd IS NOT NULL)::int - (before IS NOT NULL)::int, coalesce(NEW.usd, 0) - coalesce(before, 0)
    FROM tips t WHERE t.chain_id = NEW.chain_id AND t.tx_hash = NEW.tx_hash AND t.ordinal = NEW.ordinal
      AND t.state = 'finalized' AND t.block_hash = NEW.block_hash AND t.display IS NOT NULL;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER tip_values_noted AFTER INSERT OR UPDATE ON tip_values FOR EACH ROW EXECUTE FUNCTION note_late_value();
`;

/** The triggers hold the table, so nothing becomes final between them and this. */
const PAST = `
${INTO}
SELECT ${TIP('t')}, 1, t.amount, (v.usd IS NOT NULL)::int, coalesce(v.usd, 0)
FROM tips t LEFT JOIN tip_values v
  ON v.chain_id = t.chain_id AND v.tx_hash = t.tx_hash AND v.ordinal = t.ordinal AND v.block_hash = t.block_hash
WHERE t.state = 'finalized' AND t.display IS NOT NULL;
`;

export class TipStats1765000000000 implements MigrationInterface {
  readonly name = 'TipStats1765000000000';
  readonly schema = TABLES + TRIGGERS + PAST;

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(this.schema);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP TRIGGER tip_values_noted ON tip_values; DROP TRIGGER tips_became_final ON tips; DROP TRIGGER tips_stored_final ON tips',
    );
    await runner.query('DROP FUNCTION note_late_value(), note_final_tip()');
    await runner.query('DROP TABLE export_turns, tip_patrons, tip_tippers, tip_buckets, tip_totals, tip_deltas');
  }
}
