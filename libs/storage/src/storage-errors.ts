import { EntityNotFoundError, QueryFailedError } from 'typeorm';
import { Conflict, DroppioError, StorageUnavailable } from '@droppio/tips';
import * as z from 'zod';

/** Postgres refuses the values or the statement itself: repeating the same call cannot help. */
export class StorageRefused extends DroppioError {
  readonly code = 'storage-refused';
  readonly retryable = false;
}

const PostgresFault = z.looseObject({ code: z.string().length(5), constraint: z.string().optional() });

/** SQLSTATE classes whose cause is in the statement: bad data, broken constraints, undefined tables and columns. */
const REFUSALS = ['21', '22', '23', '42'];
/** Serialization failure and deadlock: the transaction did nothing and may be run again at once. */
const COLLISIONS = ['40001', '40P01'];
const GOODBYES = ['57P01', '57P02', '57P03'];
const UNIQUE_VIOLATION = '23505';

/** The one funnel from Postgres, driver and TypeORM to our words. Values of the statement never reach the message. */
export function storageError(error: unknown): Error {
  if (error instanceof DroppioError || error instanceof TypeError || error instanceof EntityNotFoundError) return error;
  const fault = PostgresFault.safeParse(error instanceof QueryFailedError ? error.driverError : error);
  if (!fault.success) return new StorageUnavailable('Postgres was not reached or did not answer in time.', { cause: error });
  const { code, constraint } = fault.data;
  const context = { sqlState: code, ...(constraint === undefined ? {} : { constraint }) };
  if (code === UNIQUE_VIOLATION) return new Conflict('The thing exists already.', { cause: error, context });
  if (REFUSALS.some((prefix) => code.startsWith(prefix)))
    return new StorageRefused('Postgres refused the statement.', { cause: error, context });
  return new StorageUnavailable('Postgres could not do it right now.', { cause: error, context });
}

/** `invalid_parameter_value`: a value of the right type that names nothing. */
export function isUnusable(error: unknown): boolean {
  return error instanceof StorageRefused && error.context['sqlState'] === '22023';
}

/** The server ends the connection after this: it is told to, it has crashed, or it is not up yet. */
export function isGoodbye(error: unknown): boolean {
  return error instanceof StorageUnavailable && GOODBYES.includes(String(error.context['sqlState']));
}

/** A server's one queue of notifications is full, as somebody in some database of it has listened and not heard for long: `program_limit_exceeded`. */
export function isQueueFull(error: unknown): boolean {
  return error instanceof StorageUnavailable && error.context['sqlState'] === '54000';
}

export function isCollision(error: unknown): boolean {
  return error instanceof StorageUnavailable && COLLISIONS.includes(String(error.context['sqlState']));
}

/** Name of the unique constraint that was hit, when it was one. */
export function brokenConstraint(error: unknown): string | undefined {
  const constraint = error instanceof Conflict ? error.context['constraint'] : undefined;
  return typeof constraint === 'string' ? constraint : undefined;
}
