import { within } from '@droppio/tips';
import { Client } from 'pg';

const [CONNECT_MS, ANSWER_MS] = [5000, 2000];
/** A server that says nothing would have the last word waited for. */
const GOODBYE_MS = 2000;
/** So long a process may take nothing in, or be out of reach, until the server ends its session; without this it takes hours. */
const DEAD_MS = 15_000;

export interface LoneSession {
  /** A direct connection: what is kept on a session is lost behind a pooler. */
  readonly url: string;
  readonly name: string;
  readonly deadMs?: number | undefined;
}

/**
 * A connection beside the pools, for what lives and dies with a session. Nobody ends it for doing nothing, and both sides notice when the other is
 * gone: a process that is frozen would hold up the server's queue of notifications for all databases, one that was cut off its locks.
 */
export function loneClient({ url, name }: LoneSession): Client {
  const client = new Client({
    connectionString: url,
    application_name: name,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: ANSWER_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5000,
  });
  client.on('error', () => undefined);
  return client;
}

/** Connects, and says how long the server may wait. Rejects with the driver's error. */
export async function begin(client: Client, { deadMs = DEAD_MS }: LoneSession): Promise<void> {
  await client.connect();
  await client.query(`SET statement_timeout = ${String(ANSWER_MS)}; SET idle_session_timeout = 0`);
  const seconds = String(Math.max(1, Math.round(deadMs / 3000)));
  // Not every system knows all of them, and none is needed for a session to work.
  await client
    .query(
      `SET tcp_keepalives_idle = ${seconds}; SET tcp_keepalives_interval = ${seconds}; SET tcp_keepalives_count = 2; SET tcp_user_timeout = ${String(deadMs)}`,
    )
    .catch(() => undefined);
}

export async function hangUp(client: Client | undefined): Promise<void> {
  if (client !== undefined) await within(GOODBYE_MS, 'hanging up', client.end()).catch(() => undefined);
}
