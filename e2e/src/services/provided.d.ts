import 'vitest';

declare module 'vitest' {
  /** What the services step hands to tests: `inject('redisUrl')`. */
  export interface ProvidedContext {
    /** A Redis of this run, without persistence. */
    redisUrl: string;
    /** A Postgres of this run, as superuser; make a database of your own. */
    postgresUrl: string;
    anvilPath: string;
    chromiumPath: string;
    redisServerPath: string;
    prometheusPath: string;
    promtoolPath: string;
    amtoolPath: string;
    nginxPath: string;
    /** The server of a whole PostgreSQL, with `pg_dump`, `psql` and the others beside it. */
    postgresPath: string;
    /** kubectl and the folder of the API's types; in the project `kubernetes` only. */
    kubectlPath: string;
    kubernetesModelsDir: string;
  }
}
