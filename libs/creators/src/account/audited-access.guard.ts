import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { AccessGuard } from '../access/access.guard.js';
import { AuditNotes } from './audit-notes.js';

/** The guard before every route, and a note of what it refuses to known callers: interceptors hear nothing of that. */
@Injectable()
export class AuditedAccessGuard implements CanActivate {
  constructor(
    private readonly access: AccessGuard,
    private readonly notes: AuditNotes,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    try {
      return this.access.canActivate(context);
    } catch (error) {
      if (this.notes.isFor(context)) await this.notes.failed(context, error);
      throw error;
    }
  }
}
