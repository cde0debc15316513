import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import type * as tips from '@droppio/tips';
import { DroppioError } from '@droppio/tips';
import type * as local from '../errors.js';
import { InvalidRequest, KeyInUse, Overloaded, TooManyRequests, type Fault } from '../errors.js';

/** Where the words behind each `type` are served. */
export const PROBLEMS_PATH = '/docs/problems';

/** RFC 9457, plus what a program needs: `code` to switch on, `requestId` to quote, `errors` to mark fields. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly errors?: readonly Fault[];
  /** Seconds; also sent as `Retry-After`. */
  readonly retryAfterS?: number;
}

type CodeOf<Module> = {
  [Name in keyof Module]: Module[Name] extends abstract new (...given: never[]) => { readonly code: infer Code extends string }
    ? string extends Code
      ? never
      : Code
    : never;
}[keyof Module];

/** Every code that the words and this room know: an error class without a row below does not compile. */
type KnownCode = CodeOf<typeof tips> | CodeOf<typeof local>;

interface Row {
  readonly status: number;
  readonly title: string;
}

export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request does not have the asked-for shape' },
  'unknown-time-zone': { status: 400, title: 'The time zone is not known here' },
  'invalid-cursor': { status: 400, title: 'The cursor is not one of ours' },
  'webhook-refused': { status: 400, title: 'Nothing may be sent to this address' },
  'asset-refused': { status: 400, title: 'The image or sound cannot be used' },
  unauthorized: { status: 401, title: 'Valid credentials are needed' },
  forbidden: { status: 403, title: 'These credentials do not allow this' },
  'scope-missing': { status: 403, title: 'The token was not made for this' },
  'fresh-sign-in-required': { status: 403, title: 'The wallet must sign in again first' },
  'not-found': { status: 404, title: 'There is nothing here' },
  conflict: { status: 409, title: 'It exists already' },
  'too-many-webhooks': { status: 409, title: 'An account may not have more webhooks' },
  'wallet-limit': { status: 409, title: 'A creator has between one and twenty wallets' },
  'asset-in-use': { status: 409, title: 'Overlays use it' },
  'alert-settled': { status: 409, title: 'It was decided on this tip already' },
  'limit-reached': { status: 409, title: 'An account may not have more of these' },
  'export-running': { status: 409, title: 'One export at a time' },
  'precondition-failed': { status: 412, title: 'It was changed in the meantime' },
  'body-too-slow': { status: 408, title: 'The body did not come in time' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body is of a kind that is not taken here' },
  'precondition-required': { status: 428, title: 'Say which version the change is for' },
  'rate-limited': { status: 429, title: 'That was too often' },
  'idempotency-key-in-use': { status: 409, title: 'The same request is still running' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key belongs to another request' },
  'answer-not-kept': { status: 409, title: 'It was done before, and its answer is not kept' },
  overloaded: { status: 503, title: 'Too much is going on at once' },
  'storage-unavailable': { status: 503, title: 'The database does not answer' },
  'broker-unavailable': { status: 503, title: 'The live feed does not answer' },
  'chain-unavailable': { status: 503, title: 'The chain does not answer' },
  'timed-out': { status: 503, title: 'It took too long' },
  'wrong-chain': { status: 500, title: 'The server is set up for another chain' },
  'reorg-too-deep': { status: 500, title: 'The chain needs a person to look at it' },
  'not-our-job': { status: 500, title: 'Work for a process with other settings' },
  'log-undecodable': { status: 500, title: 'A log could not be read' },
} as const satisfies Record<KnownCode, Row>;

const INTERNAL: Row = { status: 500, title: 'Something went wrong on our side' };
const table: Readonly<Record<string, Row | undefined>> = PROBLEMS;

/** What a client may know of a failure: its own mistakes in our words, nothing of our inside. Never throws. */
export function problemOf(error: unknown): Problem {
  if (error instanceof DroppioError) {
    const row = table[error.code];
    if (row === undefined) return problem('internal', INTERNAL);
    return {
      ...problem(error.code, row, row.status < 500 ? error.message : undefined),
      ...(error instanceof InvalidRequest && error.faults.length > 0 ? { errors: error.faults } : {}),
      ...retryAfterOf(error, row),
    };
  }
  // The framework's own refusals. Their messages may repeat the URL or the body, so only the status is taken over.
  if (error instanceof HttpException && error.getStatus() < 500) return refusal(error.getStatus());
  return problem('internal', INTERNAL);
}

function retryAfterOf(error: DroppioError, { status }: Row): { retryAfterS?: number } {
  if (error instanceof Overloaded || error instanceof TooManyRequests || error instanceof KeyInUse)
    return { retryAfterS: error.retryAfterS };
  return status === 503 ? { retryAfterS: 1 } : {};
}

function refusal(status: number): Problem {
  const title = STATUS_CODES[status] ?? 'Refused';
  if (status === 404) return problem('not-found', PROBLEMS['not-found'], 'No such route.');
  return problem(title.toLowerCase().replace(/[^a-z]+/g, '-'), { status, title });
}

function problem(code: string, { status, title }: Row, detail?: string): Problem {
  return { type: `${PROBLEMS_PATH}#${code}`, title, status, detail: detail ?? `${title}.`, code };
}
