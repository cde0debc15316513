import 'reflect-metadata';
import { Logger, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RedisBrokerModule } from '@droppio/broker';
import { Health, Instance, PlatformModule } from '@droppio/platform';
import { RelayQueue, TipFeed } from '@droppio/tips';

/** The broker as a gateway has it: to read feeds and to ask for their restoring. */
export async function openFeed(
  redisUrl: string,
): Promise<{ readonly feed: TipFeed; readonly queue: RelayQueue; readonly context: INestApplicationContext }> {
  Logger.overrideLogger(false);
  class Door {}
  const imports = [PlatformModule.for(new Instance('feed', 'feed'), new Health()), RedisBrokerModule.for({ url: redisUrl })];
  const context = await NestFactory.createApplicationContext({ module: Door, imports }, { logger: false, abortOnError: false });
  return { feed: context.get(TipFeed), queue: context.get(RelayQueue), context };
}
