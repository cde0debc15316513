import { createHash } from 'node:crypto';
import type { RedisClient } from './redis-connections.js';

/*
 * Four scripts over the keys of one creator, all in one hash slot:
 *   feed      stream: one entry `<seq>-0` per event, field `e` = the event as JSON, about the newest 256
 *   meta      hash: epoch; head = newest seq; tail = newest seq that is in the stream (0: none); grants = number of overlays; ended = the
 *             epoch that is over, kept through restores of others
 *   overlays  hash: overlay id → grant as JSON
 *   channel   live signals as JSON. Not listed with the keys: a slot on its way to another master serves only those who name nothing but
 *             what is there, and a channel never is
 * `tail` and `grants` tell a key that an eviction took from one that was never there. Every script writes meta last: one that is
 * cut short leaves "missing" behind, never something that looks whole.
 */

/** A Lua script that travels once: later calls send its hash. */
export class LuaScript {
  private readonly sha: string;

  constructor(private readonly source: string) {
    this.sha = createHash('sha1').update(source).digest('hex');
  }

  async run(redis: RedisClient, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await redis.evalsha(this.sha, keys.length, ...keys, ...args);
    } catch (error) {
      // A restarted Redis has forgotten its scripts.
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return redis.eval(this.source, keys.length, ...keys, ...args);
    }
  }
}

/**
 * KEYS feed, meta, overlays. ARGV epoch, seq, event JSON, overlay id ('' unless it is a config event), grant JSON, PUBLISH or SPUBLISH,
 * channel, entries to keep, seconds to live. Answers {outcome, head}.
 */
export const APPEND = new LuaScript(`
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'head', 'tail', 'grants')
if meta[1] ~= ARGV[1] then return {'missing', 0} end
local head, seq = tonumber(meta[2]), tonumber(ARGV[2])
if not head then return {'missing', 0} end
if seq <= head then return {'duplicate', head} end
if seq > head + 1 then return {'gap', head} end
if meta[3] ~= '0' and redis.call('EXISTS', KEYS[1]) == 0 then return {'missing', 0} end
if ARGV[4] ~= '' and redis.call('HLEN', KEYS[3]) ~= tonumber(meta[4]) then return {'missing', 0} end
local added = redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[8], ARGV[2] .. '-0', 'e', ARGV[3])
if type(added) == 'table' and added.err then
  -- The stream is ahead of meta: only a rewrite makes them agree. Anything else (no memory, read-only) is the caller's to retry.
  if string.find(added.err, 'equal or smaller', 1, true) then return {'missing', 0} end
  return added
end
if ARGV[4] ~= '' then redis.call('HINCRBY', KEYS[2], 'grants', redis.call('HSET', KEYS[3], ARGV[4], ARGV[5])) end
redis.call('HSET', KEYS[2], 'head', ARGV[2], 'tail', ARGV[2])
for i = 1, 3 do redis.call('EXPIRE', KEYS[i], ARGV[9]) end
redis.call(ARGV[6], ARGV[7], '{"kind":"event","epoch":' .. cjson.encode(ARGV[1]) .. ',"event":' .. ARGV[3] .. '}')
return {'appended', seq}
`);

/**
 * KEYS feed, meta, overlays. ARGV epoch, head, PUBLISH or SPUBLISH, channel, signal JSON, seconds to live, '1' when the epoch ends here,
 * number of events n, then n × (seq, event JSON), then (overlay id, grant JSON) to the end. Answers 'restored', 'behind' or 'ended'.
 */
export const RESTORE = new LuaScript(`
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'head', 'ended')
local ended = meta[3]
if ARGV[7] == '1' then
  ended = ARGV[1]
elseif ended == ARGV[1] then
  return 'ended'
elseif meta[1] == ARGV[1] and (tonumber(meta[2]) or -1) > tonumber(ARGV[2]) then
  return 'behind'
end
redis.call('DEL', KEYS[2], KEYS[1], KEYS[3])
local tail, grants = '0', 0
local last = 8 + 2 * tonumber(ARGV[8])
for i = 9, last, 2 do
  tail = ARGV[i]
  redis.call('XADD', KEYS[1], tail .. '-0', 'e', ARGV[i + 1])
end
for i = last + 1, #ARGV, 2 do grants = grants + redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1]) end
redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'head', ARGV[2], 'tail', tail, 'grants', grants)
if ended then redis.call('HSET', KEYS[2], 'ended', ended) end
for i = 1, 3 do redis.call('EXPIRE', KEYS[i], ARGV[6]) end
redis.call(ARGV[3], ARGV[4], ARGV[5])
return 'restored'
`);

/**
 * KEYS feed, meta. ARGV seq, limit. Answers nil when nothing is known, else {epoch, head, tail, id of the oldest entry or '', entries
 * after seq as {id, {field, value}}}, all read at one moment.
 */
export const AFTER = new LuaScript(`
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'head', 'tail')
if not meta[1] then return false end
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)
local entries = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1] .. '-0', '+', 'COUNT', ARGV[2])
return {meta[1], meta[2] or '', meta[3] or '', oldest[1] and oldest[1][1] or '', entries}
`);

/** KEYS meta, overlays. ARGV overlay id. Answers {'unknown', ''} or {'known', grant JSON, '' when there is no such overlay}. */
export const GRANT = new LuaScript(`
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'grants')
if not meta[1] or redis.call('HLEN', KEYS[2]) ~= tonumber(meta[2]) then return {'unknown', ''} end
return {'known', redis.call('HGET', KEYS[2], ARGV[1]) or ''}
`);
