import { BrokerUnavailable, StorageUnavailable, TimedOut, within } from '@droppio/tips';

const ANSWER_MS = 2000;

/** What the broker's ports promise of every call: an answer in time, or `BrokerUnavailable`. */
export async function inTime<T>(what: string, answer: Promise<T>, ms = ANSWER_MS): Promise<T> {
  try {
    return await within(ms, `the feed in Postgres: ${what}`, answer);
  } catch (error) {
    if (error instanceof StorageUnavailable || error instanceof TimedOut)
      throw new BrokerUnavailable('The feed in Postgres did not answer.', { cause: error });
    throw error;
  }
}
