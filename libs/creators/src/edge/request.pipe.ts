import { Injectable, StandardSchemaValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import { InvalidRequest, type Fault } from '../errors.js';

type Issues = Parameters<NonNullable<ConstructorParameters<typeof StandardSchemaValidationPipe>[0]>['exceptionFactory'] & object>[0];
const PLACES = { body: 'body', query: 'query', param: 'path', custom: 'body' } as const;
const MAX_FAULTS = 20;

/** Checks each parameter against the schema in its decorator, and says which part of the request a fault is in. */
@Injectable()
export class RequestPipe extends StandardSchemaValidationPipe {
  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    if (metadata.schema === undefined) return value;
    // What the schema makes of it is what the handler gets, hence the declared type.
    const result = await this.validate<T>(value, metadata.schema);
    if (result.issues !== undefined) throw new InvalidRequest('Some values do not fit.', faults(result.issues, metadata));
    return result.value;
  }
}

function faults(issues: Issues, { type, data }: ArgumentMetadata): readonly Fault[] {
  return issues.slice(0, MAX_FAULTS).map((issue) => {
    const path = (issue.path ?? []).map((part) => (typeof part === 'object' ? part.key : part));
    const keys = data === undefined ? path : [data, ...path];
    return { in: PLACES[type], pointer: keys.map((key) => `/${escape(String(key))}`).join(''), message: issue.message.slice(0, 200) };
  });
}

/** RFC 6901. */
function escape(key: string): string {
  return key.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1');
}
