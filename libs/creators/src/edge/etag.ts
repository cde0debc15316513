import { applyDecorators, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { ExpectedVersion } from '@droppio/tips';
import type { Request } from 'express';
import { InvalidRequest, PreconditionRequired } from '../errors.js';

/** Nobody holds more versions of a document than this at a time; and a header is only so long. */
const MAX_TAGS = 16;
const MAX_LENGTH = 1024;
/** RFC 9110, 8.8.3. */
const ENTITY_TAG = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/;
const VERSION = /^v([1-9][0-9]{0,8})$/;

/** The strong entity tag of a document at this version. */
export function entityTag(version: number): string {
  return `"v${String(version)}"`;
}

/**
 * What an `If-Match` allows to be overwritten. Weak tags and tags of somebody else are well-formed and match nothing: strong comparison.
 * Throws `PreconditionRequired` without one, `InvalidRequest` for what is no list of tags.
 */
export function readIfMatch(header: string | undefined): ExpectedVersion {
  const text = header?.trim() ?? '';
  if (header === undefined)
    throw new PreconditionRequired('Send the ETag of what you have read as If-Match, so that nobody’s change is lost.');
  if (text === '*') return 'any';
  const parts = text.length > MAX_LENGTH ? [] : text.split(',').map((part) => part.trim());
  // A list may have empty elements (RFC 9110, 5.6.1), but not only those.
  const tags = parts.filter((part) => part !== '').map((part) => ENTITY_TAG.exec(part));
  if (tags.length === 0 || tags.length > MAX_TAGS || tags.includes(null)) {
    throw new InvalidRequest('The header If-Match does not fit.', [
      { in: 'header', pointer: '/If-Match', message: 'must be * or a list of entity tags such as "v7"' },
    ]);
  }
  return tags.flatMap((tag) => {
    const version = tag?.[1] === undefined ? VERSION.exec(tag?.[2] ?? '')?.[1] : undefined;
    return version === undefined ? [] : [Number(version)];
  });
}

/** The versions that the caller is ready to overwrite; goes on to the statement that compares and sets. */
export const IfMatch = createParamDecorator((_: unknown, context: ExecutionContext): ExpectedVersion =>
  readIfMatch(context.switchToHttp().getRequest<Request>().get('If-Match')),
);

/** Says in the document that a route takes `If-Match`. */
export const ApiIfMatch = (): MethodDecorator =>
  applyDecorators(
    ApiHeader({
      name: 'If-Match',
      required: true,
      description: 'The ETag of the document as it was read, or * for whatever is there. Another version by now: 412.',
      schema: { type: 'string', maxLength: MAX_LENGTH, examples: ['"v7"'] },
    }),
  );
