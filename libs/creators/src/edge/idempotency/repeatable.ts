import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';

export const REPEATABLE = 'droppio:repeatable';
/** In the document: an `Idempotency-Key` is not looked at here. */
export const REPEATABLE_MARK = 'x-repeatable';

/**
 * For a POST that changes nothing, or nothing more when it is done again: it is simply done again, and no answer is kept for it. The way for an
 * answer that holds a stranger's text, too: what is kept of it would outlive its erasure.
 */
export const Repeatable = (): MethodDecorator => applyDecorators(SetMetadata(REPEATABLE, true), ApiExtension(REPEATABLE_MARK, true));
