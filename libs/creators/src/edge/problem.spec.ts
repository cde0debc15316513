import { BadRequestException, InternalServerErrorException, NotFoundException, PayloadTooLargeException } from '@nestjs/common';
import * as tips from '@droppio/tips';
import { DroppioError, NotFound, StorageUnavailable } from '@droppio/tips';
import { describe, expect, it } from 'vitest';
import * as local from '../errors.js';
import { InvalidRequest, Overloaded } from '../errors.js';
import { problemOf, PROBLEMS } from './problem.js';

class OfAnotherRoom extends DroppioError {
  readonly code = 'of-another-room';
  readonly retryable = false;
}

function errorClasses(module: object): (new (message: string) => DroppioError)[] {
  return Object.values(module).filter(
    (value: unknown): value is new (message: string) => DroppioError =>
      typeof value === 'function' && value.prototype instanceof DroppioError,
  );
}

describe(problemOf.name, () => {
  const classes = [...errorClasses(tips), ...errorClasses(local)];

  it.each(classes.map((type) => [type.name, type] as const))('gives %s a status and a title of its own', (_name, type) => {
    const error = new type('told to the caller');
    const problem = problemOf(error);
    expect(PROBLEMS).toHaveProperty(error.code);
    expect(problem).toMatchObject({ code: error.code, type: `/docs/problems#${error.code}` });
    expect(problem.status).toBeGreaterThanOrEqual(400);
  });

  it('knows every class that there is', () => {
    expect(new Set(classes.map((type) => new type('').code))).toEqual(new Set(Object.keys(PROBLEMS)));
  });

  it('tells callers what they did wrong', () => {
    expect(problemOf(new NotFound('No such overlay.'))).toMatchObject({ status: 404, detail: 'No such overlay.' });
    const faults = [{ in: 'body', pointer: '/name', message: 'too long' }] as const;
    expect(problemOf(new InvalidRequest('Some values do not fit.', faults))).toMatchObject({ status: 400, errors: faults });
  });

  it('says nothing of our inside when the fault is ours', () => {
    for (const error of [
      new StorageUnavailable('connect ECONNREFUSED postgres://user:secret@db'),
      new OfAnotherRoom('secret'),
      new TypeError('secret'),
      new InternalServerErrorException('secret'),
      'secret',
      undefined,
    ]) {
      const problem = problemOf(error);
      expect(problem.status).toBeGreaterThanOrEqual(500);
      expect(JSON.stringify(problem)).not.toMatch(/secret|postgres/);
    }
  });

  it('asks for another try where one may help', () => {
    expect(problemOf(new StorageUnavailable('')).retryAfterS).toBe(1);
    expect(problemOf(new Overloaded('', 7)).retryAfterS).toBe(7);
    expect(problemOf(new NotFound('')).retryAfterS).toBeUndefined();
  });

  it('takes only the status from the framework’s own refusals', () => {
    expect(problemOf(new NotFoundException('Cannot GET /v1/x?token=dro_pat_canary'))).toMatchObject({ status: 404, code: 'not-found' });
    expect(problemOf(new PayloadTooLargeException('canary'))).toMatchObject({ status: 413, code: 'payload-too-large' });
    expect(JSON.stringify(problemOf(new BadRequestException('canary')))).not.toContain('canary');
  });
});
