import type { Board } from './board.js';
import { max, perSecond, quantile, quantiles } from './queries.js';

const NEEDS = 'Only with';

export const stores: Board = {
  uid: 'droppio-stores',
  title: 'Droppio: Redis and Postgres',
  says: "Both stores as the apps see them. The last row is for whoever runs the stores' own exporters.",
  rows: [
    {
      title: 'Redis, as the apps see it',
      graphs: [
        {
          title: 'Memory',
          says: 'Used and allowed, of the node that is nearest to its limit; a ticket above 80 %.',
          unit: 'bytes',
          shows: { used: max('droppio_broker_redis_memory_bytes'), limit: max('droppio_broker_redis_memory_limit_bytes') },
        },
        {
          title: 'Connections',
          says: 'To that node, from everybody, and how many it takes.',
          unit: 'short',
          shows: { open: max('droppio_broker_redis_clients'), limit: max('droppio_broker_redis_clients_limit') },
        },
        {
          title: 'Commands, p95',
          says: 'By command, waiting for a connection included.',
          unit: 's',
          shows: { '{{command}}': quantile(0.95, 'droppio_broker_command_seconds', '', 'command') },
        },
        {
          title: 'Failed commands',
          says: 'Each is tried again by whoever asked, later.',
          unit: 'reqps',
          shows: { '{{command}}': perSecond('droppio_broker_command_seconds_count', 'outcome="error"', 'command') },
        },
        {
          title: 'Interrupted connections',
          says: 'Connections that broke and are being made anew.',
          unit: 'reqps',
          shows: { '{{connection}}': perSecond('droppio_broker_interruptions_total', '', 'connection') },
        },
        {
          title: 'Feeds rebuilt',
          says: 'From the ledger: after a flush, an eviction or a failover that lost writes.',
          unit: 'reqps',
          shows: { '{{outcome}}': perSecond('droppio_broker_restores_total', '', 'outcome') },
        },
      ],
    },
    {
      title: 'Postgres, as the apps see it',
      graphs: [
        {
          title: 'Connections in use',
          says: 'By process, and how many each may open; a ticket above 80 %.',
          unit: 'short',
          shows: {
            '{{job}} {{instance}}': max('droppio_storage_pool_connections', 'state="used"', 'job, instance'),
            limit: max('droppio_storage_pool_limit'),
          },
        },
        {
          title: 'Waiting for a connection',
          says: 'Statements that found all connections in use.',
          unit: 'short',
          shows: { '{{job}} {{instance}}': max('droppio_storage_pool_waiting', '', 'job, instance') },
        },
        {
          title: 'Commits of blocks',
          says: 'From asking to knowing the outcome.',
          unit: 's',
          shows: quantiles('droppio_storage_commit_seconds'),
        },
      ],
    },
    {
      title: 'The feed in Postgres (BROKER=postgres), as the apps see it',
      graphs: [
        {
          title: 'Told of new events',
          says: '1 while a process hears of events at once; 0 while it asks for them twice a second. A ticket after two minutes.',
          unit: 'short',
          shows: { '{{instance}}': max('droppio_storage_feed_listening', '', 'instance') },
        },
        {
          title: 'Found by asking',
          says: 'Feeds that had gone on without a word, beside all that was heard of; a ticket where one that listens misses more than two in a hundred.',
          unit: 'reqps',
          shows: {
            'found {{instance}}': perSecond('droppio_storage_feed_found_total', '', 'instance'),
            'heard {{instance}}': perSecond('droppio_gateway_redis_messages_total', 'job="standalone"', 'instance'),
          },
        },
        {
          title: 'Events put into feeds',
          says: 'By what the feed made of them: appended; a duplicate had been there before, a gap or a missing feed is restored.',
          unit: 'reqps',
          shows: { '{{outcome}}': perSecond('droppio_broker_appends_total', 'job="standalone"', 'outcome') },
        },
        {
          title: 'Queue of notifications',
          says: "How full the server's one queue is, for all its databases; a ticket above 10 %.",
          unit: 'percentunit',
          shows: { '{{instance}}': max('droppio_storage_feed_queue_ratio', '', 'instance') },
        },
      ],
    },
    {
      title: "Extra: the stores' own exporters",
      graphs: [
        {
          title: 'Redis: evictions (redis_exporter)',
          says: `${NEEDS} redis_exporter. An evicted key is a feed that has to be rebuilt.`,
          unit: 'reqps',
          shows: { evicted: 'sum(rate(redis_evicted_keys_total[$__rate_interval]))' },
        },
        {
          title: 'Redis: commands (redis_exporter)',
          says: `${NEEDS} redis_exporter. All commands of all clients.`,
          unit: 'reqps',
          shows: { commands: 'sum(rate(redis_commands_processed_total[$__rate_interval]))' },
        },
        {
          title: 'Postgres: connections (postgres_exporter)',
          says: `${NEEDS} postgres_exporter. All connections of all clients, and the server's limit.`,
          unit: 'short',
          shows: { open: 'sum(pg_stat_database_numbackends)', limit: 'max(pg_settings_max_connections)' },
        },
      ],
    },
  ],
};
