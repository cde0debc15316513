import type { Provider, Type } from '@nestjs/common';
import { EventReader } from './event-reader.js';
import { EventWaits } from './event-waits.js';
import { EventsController } from './events.controller.js';
import { PollVitals } from './poll-vitals.js';

/** Events for overlays that nothing but plain requests get through to. */
export const eventControllers: Type[] = [EventsController];
export const eventProviders: Provider[] = [EventReader, EventWaits, PollVitals];
