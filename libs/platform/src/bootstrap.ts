import type { ServerResponse } from 'node:http';
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
import { tellOfProcess } from './process-metrics.js';
import { Stats } from './stats.js';
import { openTraces } from './traces/open-traces.js';
import type { Traces } from './traces/traces.js';

/** Scrapers, probes and a person or two. Whoever reaches the port may not keep the others from it. */
const INTERNAL_CONNECTIONS = 256;
const INTERNAL_REQUEST_MS = 5000;

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
  /** What /health/ready says. */
  isReady(): Promise<boolean>;
  /** Drains and stops; safe to call twice. */
  close(reason: string): Promise<void>;
}

/** Puts the rooms together and opens the ports: the internal one first, so that a slow start can be watched. */
export async function startApp(plan: AppPlan): Promise<RunningApp> {
  const { settings, service } = plan;
  const { BUILD_VERSION: version = 'unknown', BUILD_REVISION: revision = 'unknown' } = settings;
  const logger = new JsonLogger(service, settings.INSTANCE_ID, settings.LOG_LEVEL, version);
  Logger.overrideLogger(logger);
  const log = new Logger('platform');
  const traces = await openTraces(service, settings);
  const watch: Watch = { health: new Health(), stats: new Stats(settings.STATS_TOKEN), traces };
  let started = false;
  watch.health.readyWhen('start', () => (started ? undefined : 'The process is still starting.'));

  const internal = await NestFactory.create<NestExpressApplication>(
    InternalModule.for(watch.health, watch.stats),
    new BoundedExpress(INTERNAL_CONNECTIONS, INTERNAL_REQUEST_MS),
    { logger, abortOnError: false, bodyParser: false },
  );
  sayLittle(internal);
  const internalPort = await listen(internal, settings.INTERNAL_HOST, settings.INTERNAL_PORT, 'INTERNAL_PORT');
  tellOfProcess(service, version, revision);
  const main = await startRooms(plan, logger, watch).catch(async (error: unknown) => {
    await Promise.all([internal.close(), traces.close()]);
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
    await traces.close();
    await internal.close();
    log.log('app.stopped');
  };
  const isReady = async (): Promise<boolean> => (await watch.health.ready()).ok;
  return { app: main.app, port: main.port, internalPort, isReady, close: (reason) => (closing ??= stop(reason)) };
}

/** On every port, before anything else answers: what runs here is nobody's business, and no answer is another kind of thing than it says. */
function sayLittle(app: NestExpressApplication): void {
  app.disable('x-powered-by');
  app.use((_request: unknown, response: ServerResponse, next: () => void) => {
    response.setHeader('X-Content-Type-Options', 'nosniff');
    next();
  });
}

/** What rooms tell the operators. */
interface Watch {
  readonly health: Health;
  readonly stats: Stats;
  readonly traces: Traces;
}

async function startRooms(
  plan: AppPlan,
  logger: JsonLogger,
  { health, stats, traces }: Watch,
): Promise<{ app: INestApplication; port: number | undefined }> {
  class App {}
  const instance = new Instance(plan.settings.INSTANCE_ID, plan.service);
  const root: DynamicModule = { module: App, imports: [PlatformModule.for(instance, health, stats, traces), ...plan.rooms] };
  const most = plan.http?.maxConnections;
  const express = most === undefined ? new ExpressAdapter() : new BoundedExpress(most);
  const app = await NestFactory.create<NestExpressApplication>(root, express, { logger, abortOnError: false, bodyParser: false });
  sayLittle(app);
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
