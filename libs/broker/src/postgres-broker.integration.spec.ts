import { createTestDatabase, openFeedProcess, type FeedProcess, type TestDatabase } from '@droppio/storage/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { MemoryRateCounter } from './memory-rate-counter.js';
import { describeOverlayVitals, SHORT_HOLD_MS } from './overlay-vitals.contract.js';
import { describePresence, SHORT_TTL_MS } from './presence.contract.js';
import { describeRateCounter } from './rate-counter.contract.js';
import { describeTipFeed } from './tip-feed.contract.js';

interface Two {
  readonly one: FeedProcess;
  readonly two: FeedProcess;
  readonly close: () => Promise<void>;
}

async function twoProcesses(): Promise<Two> {
  const database = await createTestDatabase(inject('postgresUrl'));
  const [one, two] = await Promise.all([openFeedProcess(database.url), openFeedProcess(database.url)]);
  return {
    one,
    two,
    async close() {
      await Promise.all([one.close(), two.close()]);
      await database.drop();
    },
  };
}

describeTipFeed('PostgresTipFeed in two processes', async () => {
  const { one, two, close } = await twoProcesses();
  return { feed: one.committing, neighbour: two.committing, close };
});

describePresence('PostgresPresence in two processes', async () => {
  const { one, two, close } = await twoProcesses();
  return { presence: one.presence(SHORT_TTL_MS), neighbour: two.presence(SHORT_TTL_MS), close };
});

describeOverlayVitals('PostgresOverlayVitals in two processes', async () => {
  const { one, two, close } = await twoProcesses();
  return { vitals: one.vitals(SHORT_HOLD_MS), neighbour: two.vitals(SHORT_HOLD_MS), close };
});

describeRateCounter('PostgresRateCounter in two processes', async () => {
  const { one, two, close } = await twoProcesses();
  return { counter: one.rates(new MemoryRateCounter()), neighbour: two.rates(new MemoryRateCounter()), close };
});

describe('PostgresRateCounter without its database', () => {
  let database: TestDatabase;
  let process: FeedProcess;
  beforeAll(async () => {
    database = await createTestDatabase(inject('postgresUrl'));
    process = await openFeedProcess(database.url);
  });
  afterAll(async () => {
    await process.close();
  });

  it('counts alone, and never throws', async () => {
    const counter = process.rates(new MemoryRateCounter());
    expect(await counter.hit('somebody', 60_000)).toMatchObject({ hits: 1 });
    await database.drop();
    for (const hits of [1, 2, 3]) expect(await counter.hit('somebody', 60_000)).toMatchObject({ hits });
  });
});
