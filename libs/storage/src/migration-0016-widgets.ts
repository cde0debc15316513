import { HIDDEN_SENDER } from '@droppio/tips';
import type { QueryRunner } from 'typeorm';
import { batches, change, index, SteppedMigration } from './migration-steps.js';

/*
 * What the widgets of the overlay page count: tips that a creator was told of and that were not taken back, by hour for goals, by sender for
 * the board. Whoever tells of a tip, moves it, takes it back or prices it leaves a note in his own transaction, so that notes and sums
 * together are right at every seq; notes are folded into sums beside the tips' way (roll-up.ts). Notes are only ever added, so nobody
 * who stores tips waits for anybody here. Triggers run once a statement, however many tips it stores.
 * Sums in US dollars stand as those of chain 0. `sender` is empty in the sums of hours; hidden senders are in no other.
 */
const TABLES = `
CREATE TABLE widget_notes (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT widget_notes_pkey PRIMARY KEY,
  creator_id uuid NOT NULL,
  chain_id bigint NOT NULL,
  token bytea NOT NULL,
  sender bytea NOT NULL,
  block_time_ms bigint NOT NULL,
  tips integer NOT NULL,
  amount numeric NOT NULL,
  priced integer NOT NULL,
  usd numeric NOT NULL
);
CREATE INDEX widget_notes_of ON widget_notes (creator_id);

CREATE TABLE widget_sums (
  creator_id uuid NOT NULL CONSTRAINT widget_sums_creator REFERENCES creators (id) ON DELETE CASCADE,
  span text NOT NULL CONSTRAINT widget_sums_span_check CHECK (span IN ('hour', 'day', 'week', 'month', 'all')),
  start integer NOT NULL,
  chain_id bigint NOT NULL,
  token bytea NOT NULL,
  sender bytea NOT NULL,
  tips bigint NOT NULL,
  amount numeric NOT NULL,
  CONSTRAINT widget_sums_pkey PRIMARY KEY (creator_id, span, start, chain_id, token, sender)
) WITH (fillfactor = 80);
CREATE INDEX widget_sums_top ON widget_sums (creator_id, span, start, chain_id, token, amount DESC, sender) WHERE span <> 'hour';
`;

const TOLD = `tips (told_to, block_time_ms, chain_id, tx_hash, ordinal)
  WHERE told AND told_to IS NOT NULL AND state = ANY (ARRAY['seen'::text, 'confirmed'::text, 'safe'::text, 'finalized'::text])`;

const HIDDEN = `decode('${HIDDEN_SENDER.from.slice(2)}', 'hex')`;
const COUNTS = (tip: string): string =>
  `(${tip}.told AND ${tip}.told_to IS NOT NULL AND ${tip}.state = ANY (ARRAY['seen'::text, 'confirmed'::text, 'safe'::text, 'finalized'::text]))`;
/** Whom overlays see as the sender: himself or nobody. */
const SENDER = (tip: string): string => `CASE WHEN ${tip}.shown->>'from' = '${HIDDEN_SENDER.from}' THEN ${HIDDEN} ELSE ${tip}.sender END`;
const FACTS = (tip: string): string =>
  `${tip}.told_to, ${tip}.chain_id, ${tip}.token, ${SENDER(tip)}, ${tip}.block_time_ms, ${tip}.amount, ${tip}.block_hash`;
const INTO = 'INSERT INTO widget_notes (creator_id, chain_id, token, sender, block_time_ms, tips, amount, priced, usd)';
/** Of \`c\`: a tip as it was or is, and whether that comes or goes. */
const NOTE = `c.creator_id, c.chain_id, c.token, c.sender, c.block_time_ms, c.sign, c.sign * c.amount, CASE WHEN v.usd IS NULL THEN 0 ELSE c.sign END,
    c.sign * coalesce(v.usd, 0)`;
const VALUE = (key: string): string =>
  `LEFT JOIN tip_values v ON (v.chain_id, v.tx_hash, v.ordinal) = (${key}.chain_id, ${key}.tx_hash, ${key}.ordinal) AND v.block_hash = c.block_hash`;
const COLUMNS = 'creator_id, chain_id, token, sender, block_time_ms, amount, block_hash';

const NAME = 'Widgets1765300000000';
const PAST_STEP = 4;
/** While old tips are gone through: those that the walk has passed have their note, the others get it then, as they are then. */
const IS_NOTED = (tip: string): string =>
  ` AND EXISTS (SELECT FROM schema_steps s WHERE s.migration = '${NAME}' AND (s.done > ${String(PAST_STEP)}
    OR (${tip}.chain_id, ${tip}.tx_hash, ${tip}.ordinal) <= ((s.place->>'chain')::bigint, decode(s.place->>'tx', 'hex'), (s.place->>'ordinal')::int)))`;
const NOWHERE = (): string => '';

const TIP_FUNCTIONS = (guard: (tip: string) => string): string => `
CREATE OR REPLACE FUNCTION note_told_tips() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  ${INTO}
  SELECT ${NOTE}
  FROM news n CROSS JOIN LATERAL (SELECT 1, ${FACTS('n')}) AS c(sign, ${COLUMNS}) ${VALUE('n')}
  WHERE ${COUNTS('n')}${guard('n')};
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION note_changed_tips() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  ${INTO}
  SELECT ${NOTE}
  FROM olds o JOIN news n USING (chain_id, tx_hash, ordinal)
  CROSS JOIN LATERAL (SELECT -1, ${COUNTS('o')}, ${FACTS('o')} UNION ALL SELECT 1, ${COUNTS('n')}, ${FACTS('n')}) AS c(sign, counts, ${COLUMNS})
  ${VALUE('n')}
  WHERE c.counts AND (${COUNTS('o')}, ${FACTS('o')}) IS DISTINCT FROM (${COUNTS('n')}, ${FACTS('n')})${guard('n')};
  RETURN NULL;
END $$;`;
const VALUE_FUNCTION = (guard: (tip: string) => string): string => `
CREATE OR REPLACE FUNCTION note_told_value() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  before numeric := CASE WHEN TG_OP = 'UPDATE' AND OLD.block_hash = NEW.block_hash THEN OLD.usd END;
BEGIN
  IF NEW.usd IS DISTINCT FROM before THEN
    ${INTO}
    SELECT t.told_to, t.chain_id, t.token, ${SENDER('t')}, t.block_time_ms, 0, 0,
      (NEW.usd IS NOT NULL)::int - (before IS NOT NULL)::int, coalesce(NEW.usd, 0) - coalesce(before, 0)
    FROM tips t WHERE (t.chain_id, t.tx_hash, t.ordinal) = (NEW.chain_id, NEW.tx_hash, NEW.ordinal) AND t.block_hash = NEW.block_hash AND ${COUNTS('t')}${guard('t')};
  END IF;
  RETURN NULL;
END $$;`;
const TIP_TRIGGERS = `
CREATE TRIGGER tips_told_first AFTER INSERT ON tips REFERENCING NEW TABLE AS news FOR EACH STATEMENT EXECUTE FUNCTION note_told_tips();
CREATE TRIGGER tips_told_again AFTER UPDATE ON tips REFERENCING OLD TABLE AS olds NEW TABLE AS news
  FOR EACH STATEMENT EXECUTE FUNCTION note_changed_tips();`;
const VALUE_TRIGGER = `
CREATE TRIGGER tip_values_told AFTER INSERT OR UPDATE ON tip_values FOR EACH ROW EXECUTE FUNCTION note_told_value();`;

/** For the moment of a page nobody is in the middle of a change: whoever comes after finds how far this has got. */
const HOLD = 'LOCK TABLE tips, tip_values IN SHARE MODE';
const PAGE = 1000;
const NOTE_PAST = `
WITH page AS MATERIALIZED (
  SELECT * FROM tips WHERE (chain_id, tx_hash, ordinal)
    > (coalesce(($1::jsonb->>'chain')::bigint, 0), decode(coalesce($1::jsonb->>'tx', ''), 'hex'), coalesce(($1::jsonb->>'ordinal')::int, -1))
  ORDER BY chain_id, tx_hash, ordinal LIMIT ${String(PAGE)}
), noted AS (
  ${INTO}
  SELECT ${NOTE} FROM page t CROSS JOIN LATERAL (SELECT 1, ${FACTS('t')}) AS c(sign, ${COLUMNS}) ${VALUE('t')} WHERE ${COUNTS('t')}
)
SELECT count(*) = ${String(PAGE)} AS more, (SELECT jsonb_build_object('chain', chain_id, 'tx', encode(tx_hash, 'hex'), 'ordinal', ordinal)
  FROM page ORDER BY chain_id DESC, tx_hash DESC, ordinal DESC LIMIT 1) AS place
FROM page`;
/** Nobody is in the middle of a trigger when it changes. */
const FROM_NOW_ON = `
LOCK TABLE tips, tip_values IN SHARE ROW EXCLUSIVE MODE;
${TIP_FUNCTIONS(NOWHERE)}
${VALUE_FUNCTION(NOWHERE)}`;

export class Widgets1765300000000 extends SteppedMigration {
  readonly name = NAME;
  readonly steps = [
    change(TABLES),
    index('tips_told', TOLD),
    change(TIP_FUNCTIONS(IS_NOTED) + TIP_TRIGGERS),
    change(VALUE_FUNCTION(IS_NOTED) + VALUE_TRIGGER),
    batches({ first: HOLD, sql: NOTE_PAST }),
    change(FROM_NOW_ON),
  ];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP TRIGGER tip_values_told ON tip_values; DROP TRIGGER tips_told_again ON tips; DROP TRIGGER tips_told_first ON tips',
    );
    await runner.query('DROP FUNCTION note_told_value(), note_changed_tips(), note_told_tips()');
    await runner.query('DROP INDEX tips_told');
    await runner.query('DROP TABLE widget_sums, widget_notes');
  }
}
