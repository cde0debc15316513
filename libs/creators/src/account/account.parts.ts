import type { Provider, Type } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { AccessGuard } from '../access/access.guard.js';
import { AccountExports } from './account-exports.js';
import { AccountController } from './account.controller.js';
import { AccountService } from './account.service.js';
import { AuditController } from './audit.controller.js';
import { AuditInterceptor } from './audit.interceptor.js';
import { AuditNotes } from './audit-notes.js';
import { AuditedAccessGuard } from './audited-access.guard.js';
import { FeedCleaner } from './feed-cleaner.js';
import { Housekeeping, HousekeepingCounts } from './housekeeping.js';

/** What happens to accounts: the log of it, erasing, taking along, and leaving. */
export const accountControllers: Type[] = [AuditController, AccountController];
export const accountProviders: Provider[] = [
  AccessGuard,
  AuditNotes,
  { provide: APP_GUARD, useClass: AuditedAccessGuard },
  { provide: APP_INTERCEPTOR, useClass: AuditInterceptor },
  FeedCleaner,
  AccountService,
  AccountExports,
  HousekeepingCounts,
  Housekeeping,
];
