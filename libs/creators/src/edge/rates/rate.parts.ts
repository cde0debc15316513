import type { Provider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { getOptionsToken, getStorageToken } from '@nestjs/throttler';
import type { CreatorsOptions } from '../../creators-options.js';
import { FailedCredentials } from './failed-credentials.js';
import { throttlersOf } from './rate-limits.js';
import { RateGuard } from './rate.guard.js';
import { RateStorage } from './rate-storage.js';

/** How often what may be asked. To be listed behind the guard that finds out who asks. */
export function rateProviders({ rates }: CreatorsOptions): Provider[] {
  const throttlers = throttlersOf(rates);
  if (throttlers.length === 0) return [FailedCredentials];
  return [
    FailedCredentials,
    { provide: getOptionsToken(), useValue: throttlers },
    { provide: getStorageToken(), useClass: RateStorage },
    { provide: APP_GUARD, useClass: RateGuard },
  ];
}
