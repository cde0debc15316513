import { DroppioError } from '@droppio/tips';
import { describe, expect, it } from 'vitest';
import { errorFields, JsonLogger } from './json-logger.js';

class Broken extends DroppioError {
  readonly code = 'broken';
  readonly retryable = true;
}

/** What the logger would print, parsed back. */
function printed(act: (logger: JsonLogger) => void): Record<string, unknown> {
  const lines: string[] = [];
  const original = process.stdout.write.bind(process.stdout);
  process.stdout.write = (line: unknown) => {
    lines.push(String(line));
    return true;
  };
  try {
    act(new JsonLogger('gateway', 'pod-a', 'log'));
  } finally {
    process.stdout.write = original;
  }
  expect(lines).toHaveLength(1);
  const parsed: Record<string, unknown> = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  return parsed;
}

describe(JsonLogger.name, () => {
  it('prints one JSON object with the event, its fields, the service and the instance', () => {
    const line = printed((logger) => {
      logger.log('tip.committed', { chainId: 8453, seq: 7 }, 'chain');
    });
    expect(line).toMatchObject({
      level: 'log',
      message: 'tip.committed',
      chainId: 8453,
      seq: 7,
      context: 'chain',
      service: 'gateway',
      instance: 'pod-a',
    });
  });

  it('masks secrets that a room passes by mistake', () => {
    const line = printed((logger) => {
      logger.log('socket.opened', { token: 'dro_ov_canary', nested: { authorization: 'Bearer canary' } });
    });
    expect(JSON.stringify(line)).not.toContain('canary');
  });
});

describe('errorFields', () => {
  it('tells code, retryability, causes and context, without addresses', () => {
    const error = new Broken('could not reach it', {
      cause: new Error('connect postgres://user:hunter2@db/x failed'),
      context: { attempt: 2 },
    });
    const fields = errorFields(error);
    expect(fields).toMatchObject({ code: 'broken', retryable: true, attempt: 2, causes: ['could not reach it', 'connect <url> failed'] });
    expect(JSON.stringify(fields)).not.toContain('hunter2');
  });

  it('is soon done with whatever others have written into a message', () => {
    const begun = performance.now();
    expect(errorFields(new Error('a+'.repeat(40_000)))).toMatchObject({ causes: ['a+'.repeat(250)] });
    expect(performance.now() - begun).toBeLessThan(250);
  });

  it('writes no end of an address that it cut', () => {
    const text = JSON.stringify(errorFields(new Error(`${'x '.repeat(995)}postgres://user:hunter2@db/${'y'.repeat(600)}`)));
    expect(text).not.toContain('hunter2');
  });
});
