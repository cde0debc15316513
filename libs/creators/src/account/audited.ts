import { SetMetadata } from '@nestjs/common';

export const AUDITED = 'droppio:audited';

/** For reads that hand out a secret or a whole account. Changes are always written down: they need not say so. */
export const Audited = (): MethodDecorator => SetMetadata(AUDITED, true);
