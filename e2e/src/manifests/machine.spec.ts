import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { gatewaySettings } from '@droppio/gateway/env';
import { standaloneSettings } from '@droppio/standalone/env';
import { describe, expect, it } from 'vitest';
import { readEcosystem } from '../houses/machine.js';
import { ROOT } from './render.js';
import { samples } from './settings.js';

const ENV = { DROPPIO_PROCESSES: '3', DROPPIO_FIRST_PORT: '7001', DROPPIO_FIRST_INTERNAL_PORT: '7101' };
const { apps } = readEcosystem(ENV);
const shape = new Set(Object.keys(standaloneSettings.shape));

describe('docker/machine/ecosystem.config.cjs', () => {
  it('names so many standalones as asked for, each with ports and a name of its own', () => {
    expect(apps.map(({ env }) => [env['PORT'], env['INTERNAL_PORT']])).toEqual([
      ['7001', '7101'],
      ['7002', '7102'],
      ['7003', '7103'],
    ]);
    expect(new Set(apps.map(({ name, env }) => `${name} ${String(env['INSTANCE_ID'])}`)).size).toBe(3);
    expect(readEcosystem({ DROPPIO_PROCESSES: '' }).apps.length).toBeGreaterThanOrEqual(2);
  });

  it('runs what the build leaves, with settings that it has', () => {
    for (const { script, env } of apps) {
      expect(script).toBe(resolve(ROOT, 'apps/standalone/dist/main.js'));
      expect(existsSync(resolve(dirname(script), '../src/main.ts'))).toBe(true);
      expect(Object.keys(env).filter((name) => name !== 'NODE_ENV' && !shape.has(name))).toEqual([]);
      expect(() => standaloneSettings.parse(env)).not.toThrow();
    }
  });

  it('leaves people and backups connections to Postgres, however many processes there are, and says when it cannot', () => {
    const poolsOf = (env: Record<string, string>) => readEcosystem(env).apps.map((app) => standaloneSettings.parse(app.env));
    for (let count = 1; count <= 12; count += 1) {
      const pools = poolsOf({ DROPPIO_PROCESSES: String(count) });
      // One each to listen, to lead and to be there; and two migrate.
      const taken = pools.reduce(
        (sum, { DATABASE_POOL_SIZE, DATABASE_FEED_POOL_SIZE }) => sum + DATABASE_POOL_SIZE + DATABASE_FEED_POOL_SIZE + 3,
        2,
      );
      expect(taken, `${String(count)} processes`).toBeLessThanOrEqual(90);
      expect(Math.min(...pools.map(({ DATABASE_POOL_SIZE }) => DATABASE_POOL_SIZE))).toBeGreaterThanOrEqual(3);
    }
    expect(poolsOf({ DROPPIO_PROCESSES: '4' })[0]).toMatchObject({ DATABASE_POOL_SIZE: 10, DATABASE_FEED_POOL_SIZE: 5 });
    expect(poolsOf({ DROPPIO_PROCESSES: '8', DATABASE_POOL_SIZE: '7' })[0]).toMatchObject({ DATABASE_POOL_SIZE: 7 });
    expect(() => readEcosystem({ DROPPIO_PROCESSES: '13' })).toThrow(
      /^13 processes need more than 90 connections.*room for 12.*DROPPIO_POSTGRES_CONNECTIONS/,
    );
    expect(readEcosystem({ DROPPIO_PROCESSES: '20', DROPPIO_POSTGRES_CONNECTIONS: '190' }).apps).toHaveLength(20);
    expect(readEcosystem({ DROPPIO_PROCESSES: '', DROPPIO_POSTGRES_CONNECTIONS: '20' }).apps).toHaveLength(2);
  });

  it('has the next one reloaded only once the one before says that it serves', () => {
    for (const { wait_ready, listen_timeout } of apps) {
      expect(wait_ready).toBe(true);
      expect(listen_timeout).toBeGreaterThan(20_000);
    }
    const readme = readFileSync(resolve(ROOT, 'docker/machine/README.md'), 'utf8');
    const [, loop = ''] = /^ +for n in 1 2 3 4; do\n(.*)\n +done$/m.exec(readme) ?? [];
    expect(loop).toMatch(/pm2 reload "droppio-\$n" && curl .*--retry \d+ .*:\$\(\(9090 \+ n\)\)\/health\/ready" \|\| break/);
    const [first] = readEcosystem({ DROPPIO_PROCESSES: '4', DROPPIO_FIRST_INTERNAL_PORT: '' }).apps;
    expect([first?.name, first?.env['INTERNAL_PORT']]).toEqual(['droppio-1', String(9090 + 1)]);
  });

  it('leaves a drain the time it needs before it is killed', () => {
    for (const { env, kill_timeout } of apps) {
      const settings = standaloneSettings.parse(env);
      const drainMs = settings.DRAIN_DELAY_MS + settings.DRAIN_WINDOW_MS + settings.DRAIN_GRACE_MS;
      expect(settings.SHUTDOWN_TIMEOUT_MS).toBeGreaterThanOrEqual(drainMs);
      expect(kill_timeout).toBeGreaterThanOrEqual(settings.SHUTDOWN_TIMEOUT_MS + 5000);
    }
  });

  it('believes the nginx of its machine, whose servers are where the first of them listen', () => {
    for (const { env } of apps)
      expect(env).toMatchObject({ HOST: '127.0.0.1', GATEWAY_TRUSTED_PROXIES: 'loopback', API_TRUSTED_PROXIES: 'loopback' });
    const servers = readFileSync(resolve(ROOT, 'docker/nginx/house/servers.conf'), 'utf8');
    const named = [...servers.matchAll(/^server (\S+) max_fails=0;$/gm)].map(([, address]) => address);
    expect(named).toEqual(readEcosystem({ DROPPIO_PROCESSES: '2' }).apps.map(({ env }) => `${String(env['HOST'])}:${String(env['PORT'])}`));
  });
});

describe('docker/nginx/house', () => {
  const file = (name: string): string => readFileSync(resolve(ROOT, 'docker/nginx/house', name), 'utf8').replaceAll(/^\s*#.*$/gm, '');

  it('keeps old workers until the last of their sockets has moved of its own accord', () => {
    const hours = Number(/^worker_shutdown_timeout (\d+)h;$/m.exec(file('nginx.conf'))?.[1]);
    const preset = gatewaySettings.parse(samples(['REDIS_URL', 'OVERLAY_TOKEN_KEYS'])).GATEWAY_MAX_AGE_MS;
    for (const maxAgeMs of [preset, ...apps.map(({ env }) => standaloneSettings.parse(env).GATEWAY_MAX_AGE_MS)]) {
      expect(maxAgeMs).toBeGreaterThan(0);
      // After its age, or up to twice as long, each is asked to move.
      expect(hours * 3_600_000).toBeGreaterThan(2 * maxAgeMs + 600_000);
    }
  });

  it('never takes a process out for failing, and shares its counts between workers', () => {
    for (const name of ['upstream-sticky.conf', 'upstream-spread.conf', 'common.conf']) {
      for (const [upstream] of file(name).matchAll(/^upstream [^}]*\}/gm))
        expect(upstream).toMatch(/\n {2}zone \w+ \d+k;\n {2}(least_conn|hash \S+ consistent);/);
    }
    for (const [line] of file('servers.conf').matchAll(/^.*server .*$/gm)) expect(line).toMatch(/ max_fails=0;$/);
  });

  it('logs no query and no request line, which may hold a token, and no errors of the overlay’s ways', () => {
    expect(/log_format[^;]*;/.exec(file('common.conf'))?.[0]).not.toMatch(
      /\$(request\b|request_uri|args|query_string|arg_|http_referer|http_authorization|droppio)/,
    );
    for (const [location] of file('locations.conf').matchAll(/^location (= |~ \^)?\/overlay[^}]*\}/gm)) {
      expect(location).toMatch(/error_log \S+ emerg;/);
    }
  });

  it('holds a socket through two missed pings', () => {
    const read = Number(/location = \/overlay \{[\s\S]*?proxy_read_timeout (\d+)s/.exec(file('locations.conf'))?.[1]);
    expect(read).toBeGreaterThanOrEqual((3 * standaloneSettings.parse({}).GATEWAY_PING_MS) / 1000);
  });
});
