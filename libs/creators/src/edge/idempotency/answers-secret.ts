import { SetMetadata } from '@nestjs/common';

export const ANSWERS_SECRET = 'droppio:answers-secret';

/** For a POST whose answer holds a secret: it is not kept to be repeated. Whoever asks again learns that it was done. */
export const AnswersSecret = (): MethodDecorator => SetMetadata(ANSWERS_SECRET, true);
