import { Logger, type DynamicModule, type INestApplicationContext, type LogLevel, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { PlatformSettings } from './env.js';
import { Health } from './health.js';
import { JsonLogger } from './json-logger.js';
import { Instance, PlatformModule } from './platform.module.js';
import { exitWith } from './run-main.js';

/** A signal often comes twice, from the terminal to the whole group and from npm to its child; a person's second one comes later. */
const REPEAT_MS = 2000;
const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * The frame of a command that does something and ends. Told to stop, `over` aborts, and the work ends as soon as it can; told once more, it
 * is ended as it is. Exit codes: what the work returns; 130 or 143 when a signal stopped it; 1 with a sentence for whatever a person can mend.
 */
export async function runCommand(work: (over: AbortSignal) => Promise<number>): Promise<never> {
  process.on('unhandledRejection', (error) => {
    exitWith(error, 'An unhandled rejection ended the command.');
  });
  const stopping = new AbortController();
  const state: { toldAtMs?: number; code?: number } = {};
  const stop = (signal: 'SIGINT' | 'SIGTERM'): void => {
    const code = SIGNAL_CODES[signal];
    if (state.toldAtMs !== undefined && Date.now() - state.toldAtMs > REPEAT_MS) process.exit(code);
    state.toldAtMs ??= Date.now();
    state.code ??= code;
    stopping.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    const code = await work(stopping.signal);
    process.exit(state.code ?? code);
  } catch (error) {
    return exitWith(error, 'The command failed.');
  }
}

/**
 * The rooms of a command: no ports, no health. A command speaks in sentences of its own, so it logs nothing unless LOG_LEVEL was set to other
 * than its preset. Closing it is the command's business.
 */
export async function openRooms(plan: {
  readonly service: string;
  readonly settings: PlatformSettings;
  readonly rooms: readonly (DynamicModule | Type)[];
}): Promise<INestApplicationContext> {
  const { LOG_LEVEL, INSTANCE_ID } = plan.settings;
  const level: LogLevel = LOG_LEVEL === 'log' ? 'fatal' : LOG_LEVEL;
  const logger = new JsonLogger(plan.service, INSTANCE_ID, level, plan.settings.BUILD_VERSION);
  Logger.overrideLogger(logger);
  class Command {}
  const platform = PlatformModule.for(new Instance(INSTANCE_ID, plan.service), new Health());
  const root: DynamicModule = { module: Command, imports: [platform, ...plan.rooms] };
  return NestFactory.createApplicationContext(root, { logger, abortOnError: false });
}
