/*
 * One big machine (phases 1 and 2): several standalones on ports of their own, for PM2.
 *
 *   pm2 start docker/machine/ecosystem.config.cjs
 *   pm2 reload droppio-1                                one after the other, after an upgrade: README.md
 *
 * Fork mode, not PM2's cluster mode: there all processes share one port, so that nothing can send a creator's overlays to one of them, and a port's
 * owner hands sockets out by turns. Here nginx does it, with docker/nginx/house and the ports below in its servers.conf.
 *
 * What all of them need alike (DATABASE_URL, CHAINS, OVERLAY_TOKEN_KEYS, ADMIN_TOKEN, PUBLIC_…_URL, REDIS_URL for phase 2) comes from the
 * environment of `pm2 start`, or from an env file that is read before it. README.md beside this file has a whole example.
 */
const { availableParallelism } = require('node:os');
const { resolve } = require('node:path');

/** What all of them together may take of Postgres' `max_connections`; of the usual 100 that leaves 3 for superusers and 7 for people and backups. */
const connections = Number(process.env.DROPPIO_POSTGRES_CONNECTIONS || 90);
/** Of each process: to listen, to lead and to be there. And of the one that migrates while the others wait: two. */
const [SINGLE, MIGRATING] = [3, 2];
/** Fewer than four in its pools, and a process is slower than one process less. */
const most = Math.floor((connections - MIGRATING) / (SINGLE + 4));
/** One for each core but one, which nginx and Postgres share; fewer where Postgres has no room for them. */
const processes = Number(process.env.DROPPIO_PROCESSES || Math.max(2, Math.min(most, availableParallelism() - 1)));
if (processes > most) {
  throw new Error(
    `${processes} processes need more than ${connections} connections to Postgres, which have room for ${most}. ` +
      'Raise max_connections there and set DROPPIO_POSTGRES_CONNECTIONS to ten less, or take fewer.',
  );
}

/** The presets where they fit (10 and 5), else each its share. What the environment says is taken as it is. */
const share = Math.floor((connections - MIGRATING) / processes) - SINGLE;
const feedPool = Math.min(5, Math.floor(share / 3));
const POOLS = {
  DATABASE_POOL_SIZE: process.env.DATABASE_POOL_SIZE || String(Math.min(10, share - feedPool)),
  DATABASE_FEED_POOL_SIZE: process.env.DATABASE_FEED_POOL_SIZE || String(feedPool),
};
const firstPort = Number(process.env.DROPPIO_FIRST_PORT || 8081);
const firstInternalPort = Number(process.env.DROPPIO_FIRST_INTERNAL_PORT || 9091);

/** Overlays are asked to move to the others within this, and who has not gone by then is closed and comes back by himself. */
const DRAIN = { DRAIN_DELAY_MS: '2000', DRAIN_WINDOW_MS: '20000', DRAIN_GRACE_MS: '5000', SHUTDOWN_TIMEOUT_MS: '45000' };

module.exports = {
  apps: Array.from({ length: processes }, (_, n) => ({
    name: `droppio-${n + 1}`,
    script: resolve(__dirname, '../../apps/standalone/dist/main.js'),
    exec_mode: 'fork',
    instances: 1,
    // PM2 sends SIGINT, which drains, and SIGKILL after this: longer than the drain takes.
    kill_timeout: 50_000,
    // `pm2 reload` of one comes back when it serves, not when it was started; or after this, and then it is to be asked how it is.
    wait_ready: true,
    listen_timeout: 120_000,
    // A process that cannot start says why in a sentence; again and again it should not.
    exp_backoff_restart_delay: 500,
    // Half of what the heap may be; the gateway refuses newcomers long before.
    node_args: '--max-old-space-size=1536',
    merge_logs: true,
    env: {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(firstPort + n),
      INTERNAL_PORT: String(firstInternalPort + n),
      INSTANCE_ID: `droppio-${n + 1}`,
      LOG_LEVEL: 'log',
      // nginx on this machine speaks for everybody.
      GATEWAY_TRUSTED_PROXIES: 'loopback',
      API_TRUSTED_PROXIES: 'loopback',
      // One to two hours after it came an overlay moves, if only to the same process: so nginx's old workers empty themselves after a reload
      // (worker_shutdown_timeout), and processes that joined fill up.
      GATEWAY_MAX_AGE_MS: String(3_600_000),
      ...POOLS,
      ...DRAIN,
    },
  })),
};
