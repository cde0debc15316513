import type { Scenario } from './scenario.js';
import type { Stage } from './stage.js';

const DOWN_MS = 1500;
const COMMITS_LOST = 5;
const SLOW_SECONDS = 1.5;

async function upSince(stage: Stage): Promise<string> {
  const [row] = await stage.house.rows('SELECT pg_postmaster_start_time()::text AS up');
  return String(row?.['up']);
}

export const crashedPostgres: Scenario = {
  number: 8,
  says: 'Postgres is ended in the middle of transactions and recovers',
  house: 'plain',
  inCi: true,
  mixes: true,
  async play(stage) {
    const { postgres } = stage.house.services;
    const before = await upSince(stage);
    await stage.fault('Postgres crashed', async () => {
      await postgres.crash();
      await stage.rest(DOWN_MS);
      await postgres.restart();
    });
    await stage.settled();
    stage.effect((await upSince(stage)) !== before, 'Postgres is another process');
    stage.effect(/not properly shut down|automatic recovery|was interrupted/.test(postgres.output()), 'it recovered from its log');
  },
};

export const unknownCommit: Scenario = {
  number: 9,
  says: 'a commit arrives and its answer does not',
  house: 'plain',
  inCi: false,
  mixes: true,
  async play(stage) {
    const { postgres } = stage.house.gates;
    const before = postgres.doomed;
    let armed = COMMITS_LOST;
    await stage.fault('answers to commits dropped', async () => {
      // A block is stored by one statement, which is its own transaction, and goes by this name once a connection knows its text.
      postgres.doom = (bytes) => {
        if (armed === 0 || !bytes.includes('commit_block')) return false;
        armed -= 1;
        return true;
      };
      try {
        await stage.until('the answers were dropped', () => postgres.doomed - before >= COMMITS_LOST, 30_000);
      } finally {
        // Whatever became of it: what comes after is not to lose its answers, too.
        postgres.doom = undefined;
      }
    });
    await stage.settled();
    stage.effect(postgres.doomed - before >= COMMITS_LOST, `${String(postgres.doomed - before)} answers were kept from who asked`);
  },
};

/** Waits inside of the transaction, after its seqs were given out. */
const SLOW_FIRST = `
CREATE TABLE IF NOT EXISTS proof_slow (n bigserial, pid int);
CREATE OR REPLACE FUNCTION proof_slow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_try_advisory_xact_lock(4242) THEN
    INSERT INTO proof_slow (pid) VALUES (pg_backend_pid());
    PERFORM pg_sleep(${String(SLOW_SECONDS)});
  END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER proof_slow AFTER INSERT ON creator_events FOR EACH STATEMENT EXECUTE FUNCTION proof_slow()`;

export const slowFirstWriter: Scenario = {
  number: 10,
  says: 'two write to one stream, and the one that began first commits last',
  house: 'plain',
  inCi: false,
  mixes: true,
  async play(stage) {
    const { client, creators } = stage.audience;
    let slept = 0;
    let pressed = 0;
    await stage.fault('commits held up', async () => {
      await stage.house.rows(SLOW_FIRST);
      const until = performance.now() + 10_000;
      while (performance.now() < until) {
        const creator = stage.dice.pick(creators);
        // The listener writes tips; the API writes tests to the same stream.
        await Promise.all([
          stage.load.tip(creator.wallet),
          client.call('POST', `/v1/overlays/${creator.overlayId}/test`, creator.accessToken, {}).then(
            () => (pressed += 1),
            () => undefined,
          ),
        ]);
      }
      const [row] = await stage.house.rows('SELECT count(*) AS n FROM proof_slow');
      slept = Number(row?.['n']);
      await stage.house.rows('DROP TRIGGER proof_slow ON creator_events; DROP FUNCTION proof_slow; DROP TABLE proof_slow');
    });
    await stage.settled();
    stage.effect(slept >= 3 && pressed >= 3, `${String(slept)} transactions were held up, ${String(pressed)} others wrote beside them`);
  },
};

export const fullDisk: Scenario = {
  number: 27,
  says: 'the disk of Postgres is full, then there is room again',
  house: 'small-disk',
  inCi: false,
  mixes: false,
  async play(stage) {
    const { disk, postgres } = stage.house.services;
    if (disk === undefined) throw new Error('this house has no small disk');
    let left = Infinity;
    let stuck = false;
    await stage.fault('disk full', async () => {
      await disk.fill();
      const before = await stage.storedHeight();
      await stage.rest(12_000);
      // What Postgres had room for in its own files goes on for a while.
      await disk.fill();
      await stage.rest(6000);
      left = await disk.left();
      stuck =
        postgres.output().includes('No space left on device') || (await stage.storedHeight().catch(() => before)) < stage.chain.height - 3;
      await disk.clear();
      if (!(await isUp(stage))) {
        await postgres.crash().catch(() => undefined);
        await postgres.restart();
      }
    });
    await stage.settled();
    stage.effect(left < 1 && stuck, `${left.toFixed(1)} MiB were left, and Postgres said that it was too little`);
  },
};

const isUp = (stage: Stage): Promise<boolean> =>
  stage.house.rows('SELECT 1').then(
    () => true,
    () => false,
  );
