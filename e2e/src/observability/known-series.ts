import { isAlert, ruleGroups } from './files.js';

/** Series of exporters that an operator may or may not run. No alert may ask for them; panels that do say so. */
export const FOREIGN: ReadonlySet<string> = new Set([
  // redis_exporter
  'redis_memory_used_bytes',
  'redis_memory_max_bytes',
  'redis_connected_clients',
  'redis_commands_processed_total',
  'redis_evicted_keys_total',
  'redis_connected_slaves',
  // postgres_exporter
  'pg_stat_database_numbackends',
  'pg_settings_max_connections',
  'pg_stat_database_xact_commit',
  'pg_database_size_bytes',
  'pg_replication_lag_seconds',
]);

/** What Prometheus itself says about those it scrapes. */
export const BUILT_IN: ReadonlySet<string> = new Set(['up', 'ALERTS', 'scrape_duration_seconds']);

export function recordedSeries(): ReadonlySet<string> {
  return new Set(ruleGroups().flatMap(({ rules }) => rules.flatMap((rule) => (isAlert(rule) ? [] : [rule.record]))));
}

/** The series that a text of /metrics has or, of a metric that has not been written yet, will have. */
export function exposedSeries(text: string): string[] {
  return [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) => {
    if (type === 'histogram') return [`${name}_bucket`, `${name}_sum`, `${name}_count`];
    return type === 'summary' ? [name, `${name}_sum`, `${name}_count`] : [name];
  });
}
