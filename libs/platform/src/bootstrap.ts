import { Logger, type DynamicModule, type INestApplication, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { within } from '@droppio/tips';
import { BoundedExpress } from './bounded-express.js';
import type { PlatformSettings } from './env.js';
import { Health } from './health.js';
import { InternalModule } from './internal.module.js';
import { errorFields, JsonLogger } from './json-logger.js';
import { listen } from './listen.js';
import { Instance, PlatformModule } from './platform.module.js';
import { Stats } from './stats.js';

export interface AppPlan {
  readonly service: string;
  readonly settings: PlatformSettings;
  /** The rooms of this app, in the order in which they must start. */
  readonly rooms: readonly (DynamicModule | Type)[];
  /** Absent for an app without a public port. */
  readonly http?: {
    readonly host: string;
    readonly port: number;
    /** Name of the setting behind `port`, for the sentence about a taken port. */
    readonly portSetting: string;
    /** Connections at a time; more are closed at once. Absent: whoever configures the app looks after them. */
    readonly maxConnections?: number;
    readonly configure: (app: NestExpressApplication) => void | Promise<void>;
  };
}

export interface RunningApp {
  readonly app: INestApplication;
  /** Where it really listens (a port of 0 asks for a free one). */
  readonly port: number | undefined;
  readonly internalPort: number;
  /** Drains and stops; safe to call twice. */
  close(reason: string): Promise<void>;
}

/** Puts the rooms together and opens the ports: the internal one first, so that a slow start can be watched. */
export async function startApp(plan: AppPlan): Promise<RunningApp> {
  const { settings, service } = plan;
  const logger = new JsonLogger(service, settings.INSTANCE_ID, settings.LOG_LEVEL);
  Logger.overrideLogger(logger);
  const log = new Logger('platform');
  const watch: Watch = { health: new Health(), stats: new Stats(settings.STATS_TOKEN) };
  let started = false;
  watch.health.readyWhen('start', () => (started ? undefined : 'The process is still starting.'));

  const internal = await NestFactory.create<NestExpressApplication>(InternalModule.for(watch.health, watch.stats), {
    logger,
    abortOnError: false,
  });
  const internalPort = await listen(internal, settings.INTERNAL_HOST, settings.INTERNAL_PORT, 'INTERNAL_PORT');
  const main = await startRooms(plan, logger, watch).catch(async (error: unknown) => {
    await internal.close();
    throw error;
  });
  started = true;
  log.log('app.started', { port: main.port, internalPort });

  let closing: Promise<void> | undefined;
  const stop = async (reason: string): Promise<void> => {
    log.log('app.stopping', { reason });
    watch.health.drain();
    await within(settings.SHUTDOWN_TIMEOUT_MS, 'shutdown', main.app.close()).catch((error: unknown) => {
      log.error('app.stop-failed', errorFields(error));
    });
    await internal.close();
    log.log('app.stopped');
  };
  return { app: main.app, port: main.port, internalPort, close: (reason) => (closing ??= stop(reason)) };
}

/** What rooms tell the operators. */
interface Watch {
  readonly health: Health;
  readonly stats: Stats;
}

async function startRooms(
  plan: AppPlan,
  logger: JsonLogger,
  { health, stats }: Watch,
): Promise<{ app: INestApplication; port: number | undefined }> {
  class App {}
  const instance = new Instance(plan.settings.INSTANCE_ID, plan.service);
  const root: DynamicModule = { module: App, imports: [PlatformModule.for(instance, health, stats), ...plan.rooms] };
  const most = plan.http?.maxConnections;
  const express = most === undefined ? new ExpressAdapter() : new BoundedExpress(most);
  const app = await NestFactory.create<NestExpressApplication>(root, express, { logger, abortOnError: false, bodyParser: false });
  try {
    await plan.http?.configure(app);
    if (plan.http === undefined) {
      await app.init();
      return { app, port: undefined };
    }
    return { app, port: await listen(app, plan.http.host, plan.http.port, plan.http.portSetting) };
  } catch (error) {
    await app.close();
    throw error;
  }
}
