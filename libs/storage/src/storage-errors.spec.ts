import { QueryFailedError } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { Conflict, isRetryable, NotFound, StorageUnavailable } from '@droppio/tips';
import { brokenConstraint, isCollision, storageError, StorageRefused } from './storage-errors.js';

const failed = (code: string, constraint?: string): Error =>
  storageError(new QueryFailedError('INSERT … secret', ['secret'], Object.assign(new Error('secret'), { code, constraint })));

describe(storageError.name, () => {
  it.each(['22P05', '22021', '23514', '23502', '21000', '42P01'])('calls %s a refusal that repeating cannot mend', (code) => {
    expect(failed(code)).toBeInstanceOf(StorageRefused);
    expect(isRetryable(failed(code))).toBe(false);
  });

  it.each(['08006', '53300', '57P01', '57014', '55P03', '40P01', 'XX000'])('calls %s a passing fault', (code) => {
    expect(failed(code)).toBeInstanceOf(StorageUnavailable);
    expect(isRetryable(failed(code))).toBe(true);
  });

  it('calls a taken unique value a conflict and remembers which', () => {
    const error = failed('23505', 'creators_handle');
    expect(error).toBeInstanceOf(Conflict);
    expect(brokenConstraint(error)).toBe('creators_handle');
    expect(brokenConstraint(failed('23514', 'creators_handle'))).toBeUndefined();
  });

  it('takes a fault without a code for a lost connection', () => {
    for (const error of [new Error('Connection terminated unexpectedly'), 'what', new AggregateError([], 'ECONNREFUSED')]) {
      expect(storageError(error)).toBeInstanceOf(StorageUnavailable);
    }
  });

  it('leaves our own errors and bugs as they are', () => {
    for (const error of [new NotFound('x'), new TypeError('x')]) expect(storageError(error)).toBe(error);
  });

  it('never repeats values of the statement', () => {
    expect(failed('22P05').message).not.toContain('secret');
    expect(JSON.stringify(failed('22P05'))).not.toContain('secret');
  });

  it('knows what may be run again at once', () => {
    expect(['40001', '40P01', '55P03', '22P05'].map((code) => isCollision(failed(code)))).toEqual([true, true, false, false]);
  });
});
