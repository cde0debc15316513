import { findPrograms, HouseClient, startPostgres, startRedis, startTrio } from './houses/index.js';

/** One Ctrl-C often comes twice (terminal and npm); a person's second one comes later and ends everything at once. */
const REPEAT_MS = 2000;

function firstSignal(): Promise<void> {
  let toldAtMs: number | undefined;
  return new Promise((resolve) => {
    const told = (): void => {
      if (toldAtMs !== undefined && Date.now() - toldAtMs > REPEAT_MS) process.exit(1);
      toldAtMs ??= Date.now();
      console.log('\nStopping…');
      resolve();
    };
    process.on('SIGINT', told).on('SIGTERM', told);
  });
}

/**
 * `npm run dev`: api, listener and two gateways as processes of their own, with Redis, Postgres and a dev chain; Redis and Postgres are
 * thrown away at the end unless REDIS_URL and DATABASE_URL name others. Children have process groups of their own: Ctrl-C reaches only
 * this one, which stops them in order. PORT and GATEWAY_PORT name other ports than 8080 and 8081.
 */
async function dev(): Promise<void> {
  const undo: (() => Promise<void>)[] = [];
  const interrupted = firstSignal();
  try {
    const programs = findPrograms();
    const { REDIS_URL, DATABASE_URL, PORT, GATEWAY_PORT } = process.env;
    const redis = REDIS_URL === undefined ? await startRedis(programs.redisServerPath, { detached: true }) : undefined;
    if (redis !== undefined) undo.push(() => redis.stop());
    const postgres = DATABASE_URL === undefined ? await startPostgres({ detached: true }) : undefined;
    if (postgres !== undefined) undo.push(() => postgres.stop());
    const trio = await startTrio({
      anvilPath: programs.anvilPath,
      redisUrl: REDIS_URL ?? redis?.url ?? '',
      postgresUrl: DATABASE_URL ?? postgres?.url ?? '',
      apiPort: Number(PORT ?? 8080),
      gatewayPort: Number(GATEWAY_PORT ?? 8081),
      echo: true,
    });
    undo.push(() => trio.stop());
    const client = new HouseClient(trio);
    const creator = await client.creator();
    console.log(`
  Overlay page  ${creator.pageUrl}
  WebSocket     ${creator.webSocketUrl}
  API docs      ${trio.apiUrl}/docs
  RPC           ${trio.chain.rpcUrl}
  Tip jar       ${trio.chain.jar}
${Object.entries(trio.internalUrls)
  .map(([app, url]) => `  ${app.padEnd(13)} ${url}/metrics`)
  .join('\n')}

Press Enter for a tip, Ctrl-C to stop.`);
    process.stdin.on('data', () => {
      client.tip(creator, 10n ** 16n, 'gg').catch((error: unknown) => {
        console.error(error);
      });
    });
    await interrupted;
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

await dev().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
