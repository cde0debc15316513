import * as z from 'zod';
import { describe, expect, it } from 'vitest';
import { InvalidSettings, loadEnv } from '@droppio/platform';
import { brokerEnv, optionalBrokerEnv } from './env.js';
import { parseRedisUrl } from './redis-url.js';

describe(parseRedisUrl.name, () => {
  it('reads one Redis, with and without everything', () => {
    expect(parseRedisUrl('redis://localhost')).toEqual({ kind: 'single', node: { host: 'localhost', port: 6379 }, db: 0, tls: false });
    expect(parseRedisUrl('rediss://me:p%40ss@cache.example:6380/3')).toEqual({
      kind: 'single',
      node: { host: 'cache.example', port: 6380 },
      db: 3,
      tls: true,
      username: 'me',
      password: 'p@ss',
    });
    expect(parseRedisUrl('redis://:only@[::1]:6379')).toMatchObject({ node: { host: '::1', port: 6379 }, password: 'only' });
  });

  it('reads Sentinel and Cluster', () => {
    expect(parseRedisUrl('redis+sentinel://:pw@a,b:26380/tips/2')).toEqual({
      kind: 'sentinel',
      sentinels: [
        { host: 'a', port: 26_379 },
        { host: 'b', port: 26_380 },
      ],
      name: 'tips',
      db: 2,
      tls: false,
      password: 'pw',
    });
    expect(parseRedisUrl('rediss+cluster://a:7000,b:7001')).toEqual({
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 7000 },
        { host: 'b', port: 7001 },
      ],
      tls: true,
    });
  });

  it.each([
    ['', /expected redis:/],
    ['http://localhost', /expected redis:/],
    ['redis://', /expected redis:/],
    ['redis://a,b', /several hosts/],
    ['redis://a:0', /port/],
    ['redis://a:70000', /port/],
    ['redis://a/zero', /number of a database/],
    ['redis+sentinel://a', /name of the master/],
    ['redis+cluster://a/1', /no databases/],
    ['redis://u:%zz@a', /%25/],
  ])('refuses %j with a sentence', (url, sentence) => {
    expect(() => parseRedisUrl(url)).toThrow(sentence);
  });

  it('is a setting whose faults do not repeat the password', () => {
    const load = (url: string): unknown => loadEnv(z.object(brokerEnv), { REDIS_URL: url });
    expect(load('redis://localhost')).toEqual({ REDIS_URL: 'redis://localhost' });
    expect(() => load('redis://user:hunter2@a,b')).toThrow(InvalidSettings);
    expect(() => load('redis://user:hunter2@a,b')).toThrow(/REDIS_URL does not fit: several hosts need/);
    expect(() => load('redis://user:hunter2@a,b')).not.toThrow(/hunter2/);
    expect(() => load('')).toThrow(/REDIS_URL is missing/);
    expect(loadEnv(z.object(optionalBrokerEnv), {})).toEqual({});
  });
});
