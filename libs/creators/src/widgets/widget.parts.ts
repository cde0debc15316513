import type { Provider, Type } from '@nestjs/common';
import { WidgetController } from './widget.controller.js';
import { WidgetReadings } from './widget-readings.js';

/** What the widgets of overlay pages show. */
export const widgetControllers: Type[] = [WidgetController];
export const widgetProviders: Provider[] = [WidgetReadings];
