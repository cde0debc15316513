import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { catchError, concatMap, type Observable } from 'rxjs';
import { AuditNotes } from './audit-notes.js';

/** Around every route: what was changed, and what was refused after the guards, is written down before it is answered. */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(private readonly notes: AuditNotes) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (!this.notes.isFor(context)) return next.handle();
    return next.handle().pipe(
      catchError(async (error: unknown) => {
        await this.notes.failed(context, error);
        throw error;
      }),
      concatMap(async (answer: unknown) => {
        await this.notes.done(context, answer);
        return answer;
      }),
    );
  }
}
