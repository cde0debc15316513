import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gatewaySettings } from '@droppio/gateway/env';
import { TIP_JAR_ADDRESS } from '@droppio/tip-jar';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { ROOT } from './render.js';
import {
  APPS,
  drainMs,
  imageEnv,
  SAMPLE_SECRETS,
  samples,
  SCHEMAS,
  settingsOf,
  Shutdown,
  SPARE_SECONDS,
  strangers,
  type App,
} from './settings.js';

const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8')));
const nginx = (file: string): string => readFileSync(resolve(ROOT, 'docker/nginx', file), 'utf8');

const ComposeService = z.looseObject({
  image: z.string(),
  environment: z.record(z.string(), z.string()).default({}),
  stop_grace_period: z.string().optional(),
  deploy: z.object({ replicas: z.int() }).optional(),
  networks: z.array(z.string()),
  ports: z.array(z.string()).default([]),
});

describe('docker/compose.yaml', () => {
  const text = readFileSync(resolve(ROOT, 'docker/compose.yaml'), 'utf8');
  const { services } = z.looseObject({ services: z.record(z.string(), ComposeService) }).parse(parse(text, { merge: true }));
  const example = readFileSync(resolve(ROOT, 'docker/.env.example'), 'utf8');
  const variables = new Map([...example.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));

  /** As compose does it, with samples where `.env` would hold a secret. */
  const filledIn = (value: string): string =>
    value.replaceAll(/\$\{([A-Z_]+)(?::[-?][^}]*)?\}/g, (_match, name: string) => {
      const written = variables.get(name) ?? '';
      return written === '' ? (SAMPLE_SECRETS[name] ?? 'secret') : written;
    });
  const service = (name: string): z.output<typeof ComposeService> => {
    const found = services[name];
    if (found === undefined) throw new Error(`There is no service ${name}.`);
    return found;
  };
  const given = (app: App): Record<string, string> =>
    Object.fromEntries(Object.entries(service(app).environment).map(([name, value]) => [name, filledIn(value)]));

  it('takes from .env exactly what docker/.env.example describes', () => {
    const used = [...text.matchAll(/(?<!\$)\$\{([A-Z_]+)/g)].map(([, name]) => name);
    expect([...new Set(used)].sort()).toEqual([...variables.keys()].sort());
  });

  it.each(APPS)('gives %s settings that it has, and all it needs to start', (app) => {
    expect(strangers(app, Object.keys(given(app)))).toEqual([]);
    expect(() => settingsOf(app, given(app))).not.toThrow();
  });

  it.each(APPS)('gives %s the time to stop that its drain needs', (app) => {
    const settings = Shutdown.parse(settingsOf(app, given(app)));
    const grace = Number(/^(\d+)s$/.exec(service(app).stop_grace_period ?? '')?.[1]);
    expect(grace).toBeGreaterThanOrEqual(drainMs(settings) / 1000 + SPARE_SECONDS);
    expect(grace).toBeGreaterThanOrEqual(settings.SHUTDOWN_TIMEOUT_MS / 1000 + 5);
    expect(settings.SHUTDOWN_TIMEOUT_MS).toBeGreaterThanOrEqual(drainMs(settings));
  });

  it('lets one job change the schema, over a direct connection, before anybody else looks at it', () => {
    expect(service('migrate')).toMatchObject({ image: service('api').image, entrypoint: ['node', 'migrate.mjs'] });
    expect(Object.keys(service('migrate').environment)).toEqual(['DATABASE_URL']);
    expect(service('migrate').environment['DATABASE_URL']).toContain('@postgres:5432/');
    for (const app of ['api', 'listener'] as const) {
      expect(settingsOf(app, given(app))['DATABASE_MIGRATE']).toBe(false);
      expect(service(app)['depends_on']).toMatchObject({ migrate: { condition: 'service_completed_successfully' } });
    }
  });

  it('puts PgBouncer between the API and Postgres, and tells the API; the listener holds its lock on a connection of its own', () => {
    expect(settingsOf('api', given('api'))).toMatchObject({ DATABASE_POOLER: 'transaction' });
    expect(service('api').environment['DATABASE_URL']).toContain('@pgbouncer:6432/');
    expect(service('pgbouncer').environment).toMatchObject({ POOL_MODE: 'transaction', LISTEN_PORT: '6432' });
    expect(settingsOf('listener', given('listener'))).toMatchObject({ DATABASE_POOLER: 'none' });
    expect(service('listener').environment['DATABASE_URL']).toContain('@postgres:5432/');
  });

  it('runs two gateways, publishes the edge only, and keeps it away from the data', () => {
    expect(service('gateway').deploy?.replicas).toBe(2);
    expect(Object.keys(services).filter((name) => service(name).ports.length > 0)).toEqual(['web']);
    expect(service('web').networks).not.toContain('data');
  });

  it('confines our containers', () => {
    for (const name of [...APPS, 'web', 'migrate']) {
      expect(service(name)).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
    }
  });

  it('names a version of every image, and of ours the one in package.json', () => {
    for (const { image } of Object.values(services)) {
      expect(image).toMatch(/:v?\d[^:]*$/);
      if (image.startsWith('droppio/')) expect(image).toMatch(new RegExp(`:${version}$`));
    }
  });
});

describe('the images', () => {
  it('listen to the outside, and on one internal port', () => {
    expect(imageEnv()).toMatchObject({ HOST: '0.0.0.0', INTERNAL_HOST: '0.0.0.0', INTERNAL_PORT: '9090' });
    expect(Object.keys(imageEnv()).filter((name) => name !== 'NODE_ENV' && !APPS.some((app) => name in SCHEMAS[app].shape))).toEqual([]);
  });

  it.each(['Dockerfile', 'web.Dockerfile', 'dev-chain.Dockerfile'])('of %s run as a numeric user, from bases with a version', (file) => {
    const text = readFileSync(resolve(ROOT, 'docker', file), 'utf8');
    expect([...text.matchAll(/^USER (.*)$/gm)].at(-1)?.[1]).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    for (const [, image = ''] of text.matchAll(/^ARG \w+_IMAGE=(.*)$/gm)) expect(image).toMatch(/:\d/);
    for (const [, from = ''] of text.matchAll(/^FROM (\S+)/gm)) expect(from).toMatch(/^\$\{\w+_IMAGE\}$/);
    expect(text).toMatch(/^(ENTRYPOINT \[|FROM \$\{NGINX_IMAGE\})/m);
  });

  it('of the dev chain know where the tip jar is', () => {
    expect(z.array(z.object({ tipJar: z.string() })).parse(JSON.parse(SAMPLE_SECRETS['CHAINS'] ?? ''))[0]?.tipJar).toBe(TIP_JAR_ADDRESS);
  });
});

describe('docker/nginx', () => {
  const pingSeconds = gatewaySettings.parse(samples(['REDIS_URL', 'OVERLAY_TOKEN_KEYS'])).GATEWAY_PING_MS / 1000;

  it('keeps a socket through two missed pings', () => {
    const read = Number(/location = \/overlay \{[^}]*\}[^}]*proxy_read_timeout (\d+)s/.exec(nginx('web.conf'))?.[1]);
    expect(read).toBeGreaterThanOrEqual(3 * pingSeconds);
  });

  it('logs no query and no request line, which may hold a token', () => {
    expect(nginx('web.conf').replaceAll(/^\s*#.*$/gm, '')).not.toMatch(/\$(request|request_uri|args|query_string|arg_\w+|http_referer)\b/);
    expect(nginx('web.conf')).toMatch(/location = \/overlay \{\s*(#.*\s*)*error_log \S+ emerg;/);
  });

  it('never takes a gateway out for failing, and counts sockets across workers', () => {
    const template = nginx('upstreams.conf.template');
    for (const [server] of template.matchAll(/^ *server .*$/gm)) expect(server).toContain(' resolve max_fails=0;');
    expect(template).toMatch(/upstream gateways \{[^}]*zone gateways \d+k;[^}]*least_conn;/);
  });
});
