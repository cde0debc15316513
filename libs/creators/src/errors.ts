import { DroppioError, type ErrorOptions } from '@droppio/tips';

/** One thing that is wrong with a request. `pointer` is a JSON pointer into the part that `in` names. */
export interface Fault {
  readonly in: 'body' | 'query' | 'path' | 'header';
  readonly pointer: string;
  readonly message: string;
}

/** What was sent does not have the shape that the route asks for. */
export class InvalidRequest extends DroppioError {
  readonly code = 'invalid-request';
  readonly retryable = false;

  constructor(
    message: string,
    readonly faults: readonly Fault[] = [],
  ) {
    super(message);
  }
}

/** The caller is known, but this is not theirs to do. */
export class Forbidden extends DroppioError {
  readonly code = 'forbidden';
  readonly retryable = false;
}

/** The token is the creator's, but was not made for this. */
export class ScopeMissing extends DroppioError {
  readonly code = 'scope-missing';
  readonly retryable = false;
}

/** The browser signed in too long ago for what moves money or power: sign in again. */
export class SignInStale extends DroppioError {
  readonly code = 'fresh-sign-in-required';
  readonly retryable = false;
}

export class BodyTooLarge extends DroppioError {
  readonly code = 'body-too-large';
  readonly retryable = false;
}

/** A body in another language than the route speaks. */
export class UnsupportedMediaType extends DroppioError {
  readonly code = 'unsupported-media-type';
  readonly retryable = false;
}

/** An upload that is not a whole, harmless image or sound of the kinds that are taken. */
export class AssetRefused extends DroppioError {
  readonly code = 'asset-refused';
  readonly retryable = false;
}

/** Overlays name the asset still. */
export class AssetInUse extends DroppioError {
  readonly code = 'asset-in-use';
  readonly retryable = false;
}

/** A document is changed only by who says which version of it he has read. */
export class PreconditionRequired extends DroppioError {
  readonly code = 'precondition-required';
  readonly retryable = false;
}

/** A creator's exports run one after the other. */
export class ExportRunning extends DroppioError {
  readonly code = 'export-running';
  readonly retryable = true;
}

/** Too many requests wait for events already; come back after `retryAfterS` seconds. */
export class Overloaded extends DroppioError {
  readonly code = 'overloaded';
  readonly retryable = true;

  constructor(
    message: string,
    readonly retryAfterS: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A body that does not come to its end in time. */
export class BodyTooSlow extends DroppioError {
  readonly code = 'body-too-slow';
  readonly retryable = true;
}

/** More requests than the caller may make; the next window begins after `retryAfterS` seconds. */
export class TooManyRequests extends DroppioError {
  readonly code = 'rate-limited';
  readonly retryable = true;

  constructor(
    message: string,
    readonly retryAfterS: number,
  ) {
    super(message);
  }
}

/** A request with the same Idempotency-Key has not been answered yet. */
export class KeyInUse extends DroppioError {
  readonly code = 'idempotency-key-in-use';
  readonly retryable = true;

  constructor(
    message: string,
    readonly retryAfterS: number,
  ) {
    super(message);
  }
}

/** The Idempotency-Key belongs to another request. */
export class KeyReused extends DroppioError {
  readonly code = 'idempotency-key-reused';
  readonly retryable = false;
}

/** The request was done before, and nobody keeps what was answered. */
export class AnswerNotKept extends DroppioError {
  readonly code = 'answer-not-kept';
  readonly retryable = false;
}
