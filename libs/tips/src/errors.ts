export interface ErrorOptions {
  /** The error that led to this one. Never shown to clients. */
  readonly cause?: unknown;
  /** Facts for the log. No tokens, cookies, full URLs or message texts. */
  readonly context?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * Every failure that a room names. Callers never read messages: they look at `code` (stable, kebab-case)
 * and at `retryable` (may the very same call succeed later?).
 */
export abstract class DroppioError extends Error {
  abstract readonly code: string;
  abstract readonly retryable: boolean;
  readonly context: Readonly<Record<string, string | number | boolean>>;

  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.context = options.context ?? {};
  }
}

/** A node did not answer, or answered with something that cannot be true right now. */
export class ChainUnavailable extends DroppioError {
  readonly code = 'chain-unavailable';
  readonly retryable = true;
}

/** The configured endpoint serves another chain than the settings say. */
export class WrongChain extends DroppioError {
  readonly code = 'wrong-chain';
  readonly retryable = false;
}

/** A fork deeper than the window of remembered blocks, or below finalised: only a person may decide. */
export class ReorgTooDeep extends DroppioError {
  readonly code = 'reorg-too-deep';
  readonly retryable = false;
}

/** A log of our contract that does not have the shape of our event. */
export class LogUndecodable extends DroppioError {
  readonly code = 'log-undecodable';
  readonly retryable = false;
}

/** Postgres refused or was not reached. */
export class StorageUnavailable extends DroppioError {
  readonly code = 'storage-unavailable';
  readonly retryable = true;
}

/** Redis refused or was not reached. */
export class BrokerUnavailable extends DroppioError {
  readonly code = 'broker-unavailable';
  readonly retryable = true;
}

/** The asked-for thing is not there, or not the caller's. */
export class NotFound extends DroppioError {
  readonly code = 'not-found';
  readonly retryable = false;
}

/** The thing exists already (handle, wallet). */
export class Conflict extends DroppioError {
  readonly code = 'conflict';
  readonly retryable = false;
}

/** The thing has another version by now than the caller expects. Read it again, then decide. */
export class PreconditionFailed extends DroppioError {
  readonly code = 'precondition-failed';
  readonly retryable = false;
}

/** A creator has as many wallets as he may have, or only one. */
export class WalletLimit extends DroppioError {
  readonly code = 'wallet-limit';
  readonly retryable = false;
}

/** One more would be more than an account may have. */
export class LimitReached extends DroppioError {
  readonly code = 'limit-reached';
  readonly retryable = false;
}

/** It was decided on the tip already, otherwise. */
export class AlertSettled extends DroppioError {
  readonly code = 'alert-settled';
  readonly retryable = false;
}

/** A page cursor that this server did not give out. */
export class InvalidCursor extends DroppioError {
  readonly code = 'invalid-cursor';
  readonly retryable = false;
}

/** A time zone that the database does not know. */
export class UnknownTimeZone extends DroppioError {
  readonly code = 'unknown-time-zone';
  readonly retryable = false;
}

/** No credentials, or wrong ones. */
export class Unauthorized extends DroppioError {
  readonly code = 'unauthorized';
  readonly retryable = false;
}

/** A wait had a deadline and the deadline passed. */
export class TimedOut extends DroppioError {
  readonly code = 'timed-out';
  readonly retryable = true;
}

/** May the same call succeed later? Unknown errors are taken as passing faults. */
export function isRetryable(error: unknown): boolean {
  return error instanceof DroppioError ? error.retryable : true;
}
