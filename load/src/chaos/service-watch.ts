import type { Failpoints, Ruling, Slot } from './failpoints.js';
import type { FailpointName } from './scenario.js';
import type { WireLink, WireWatch } from './wire.js';

const COMMIT = /commit_(?:empty_)?block/;

/** Reads the moments of a process's life off its statements to Postgres. `onCommit` hears who commits to which chain. */
export function postgresWatch(
  slot: Slot,
  chainIds: readonly number[],
  failpoints: Failpoints,
  onCommit: (slot: Slot, chainId: number) => void,
): WireWatch {
  const ids = chainIds.map((id) => [id, String(id)] as const);
  const chainOf = (text: string): number | undefined => ids.find(([, digits]) => text.includes(digits))?.[0];
  const rule = (at: FailpointName, chainId: number | undefined): Ruling => failpoints.rule({ at, slot, chainId });
  const commit = (text: string, link: WireLink): Ruling => {
    const chainId = chainOf(text);
    if (chainId === undefined) return 'pass';
    onCommit(slot, chainId);
    const held = failpoints.rule({ at: 'commit', slot, chainId, text });
    if (held !== 'pass') return held;
    link.note = `commit:${String(chainId)}`;
    return rule('mid-commit', chainId);
  };
  return {
    sent(bytes, link) {
      link.note = link.note.startsWith('reorg') ? link.note : '';
      const text = bytes.toString('latin1');
      if (text.includes('SET canonical = false')) link.note = `reorg:${String(chainOf(text) ?? '')}`;
      else if (link.note.startsWith('reorg'))
        return reorgStatement(text, link, rule, (chainId) => {
          onCommit(slot, chainId);
        });
      else if (COMMIT.test(text)) return commit(text, link);
      else if (text.includes('mark_published')) return rule('before-mark', undefined);
      return 'pass';
    },
    answered(_, link) {
      if (!link.note.startsWith('commit:')) return 'pass';
      const chainId = Number(link.note.slice('commit:'.length));
      link.note = '';
      return rule('after-commit', chainId) === 'pass' ? 'pass' : 'swallow';
    },
  };
}

function reorgStatement(
  text: string,
  link: WireLink,
  rule: (at: FailpointName, chainId: number | undefined) => Ruling,
  onCommit: (chainId: number) => void,
): Ruling {
  const chainId = Number(link.note.slice('reorg:'.length));
  if (text.includes('ROLLBACK\0')) link.note = '';
  if (!text.includes('COMMIT\0')) return 'pass';
  link.note = '';
  onCommit(chainId);
  return rule('before-reorg-commit', chainId);
}

/** The same for its commands to Redis. */
export function redisWatch(slot: Slot, failpoints: Failpoints): WireWatch {
  return {
    sent(bytes, link) {
      if (!failpoints.isArmed || bytes.indexOf('creator:{') < 0 || bytes.indexOf('evalsha') < 0) return 'pass';
      link.note = 'append';
      return failpoints.rule({ at: 'before-publish', slot, chainId: undefined });
    },
    answered(_, link) {
      if (link.note !== 'append') return 'pass';
      link.note = '';
      return failpoints.rule({ at: 'after-publish', slot, chainId: undefined }) === 'pass' ? 'pass' : 'swallow';
    },
  };
}
