import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import {
  Controller,
  Get,
  Injectable,
  Module,
  type CanActivate,
  type DynamicModule,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { OverlayTokens } from '@droppio/protocol/overlay-token';
import { startApp, type RunningApp } from '@droppio/platform';
import { RelayQueue, TipFeed, type OverlayGrant } from '@droppio/tips';
import * as z from 'zod';
import { deliveryEnv, deliverySettings } from '../delivery-env.js';
import { attachOverlaySockets, DeliveryModule } from '../delivery.module.js';
import type { DeliverySettings } from '../delivery-settings.js';
import { OverlayClient } from './overlay-client.js';
import { RelayWorkerDouble, Truth } from './truth.js';

@Controller()
class PageController {
  @Get('overlay/')
  page(): string {
    return 'the page';
  }

  @Get('v1/creators')
  api(): string {
    return 'the api';
  }
}

/** As the API has one: it knows its own routes only. */
@Injectable()
class PageGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.getType() !== 'http' || context.getClass() === PageController;
  }
}

@Module({ controllers: [PageController], providers: [{ provide: APP_GUARD, useClass: PageGuard }] })
class PageModule {}

export type SettingTexts = Partial<Record<keyof typeof deliveryEnv, string>>;

/** As an environment gives them, without the limits that a test on one address would run into and without the wait before a drain. */
export function someSettings(texts: SettingTexts = {}): DeliverySettings {
  return deliverySettings(
    z.object(deliveryEnv).parse({
      OVERLAY_TOKEN_KEYS: `1:${randomBytes(32).toString('hex')}`,
      GATEWAY_MAX_SOCKETS_PER_IP: '0',
      GATEWAY_MAX_UNAUTHENTICATED_PER_IP: '0',
      GATEWAY_UPGRADES_PER_MINUTE_PER_IP: '0',
      DRAIN_DELAY_MS: '0',
      DRAIN_WINDOW_MS: '0',
      ...texts,
    }),
  );
}

const STATS_TOKEN = randomBytes(24).toString('hex');

export interface HouseOptions {
  readonly broker: DynamicModule | Type;
  readonly settings?: SettingTexts;
  readonly level?: 'debug' | 'error';
}

/** One gateway over a real broker, with Express routes on the same port. */
export class GatewayHouse {
  readonly clients: OverlayClient[] = [];

  private constructor(
    readonly running: RunningApp,
    /** As the setting spells them, for a second gateway. */
    readonly keys: string,
    readonly tokens: OverlayTokens,
    readonly feed: TipFeed,
    readonly queue: RelayQueue,
  ) {}

  static async start({ broker, settings = {}, level = 'error' }: HouseOptions): Promise<GatewayHouse> {
    const keys = settings.OVERLAY_TOKEN_KEYS ?? `1:${randomBytes(32).toString('hex')}`;
    const delivery = someSettings({ ...settings, OVERLAY_TOKEN_KEYS: keys });
    const running = await startApp({
      service: 'gateway',
      settings: {
        LOG_LEVEL: level,
        INSTANCE_ID: 'pod-a',
        INTERNAL_HOST: '127.0.0.1',
        INTERNAL_PORT: 0,
        SHUTDOWN_TIMEOUT_MS: 30_000,
        STATS_TOKEN,
      },
      rooms: [PageModule, broker, DeliveryModule.for(delivery)],
      http: { host: '127.0.0.1', port: 0, portSetting: 'PORT', configure: attachOverlaySockets },
    });
    const tokens = new OverlayTokens(delivery.tokenKeys);
    return new GatewayHouse(running, keys, tokens, running.app.get(TipFeed), running.app.get(RelayQueue));
  }

  get port(): number {
    return this.running.port ?? 0;
  }

  get url(): string {
    return `ws://127.0.0.1:${String(this.port)}/overlay`;
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${String(this.running.internalPort)}/metrics`)).text();
  }

  async stats(query = ''): Promise<unknown> {
    const url = `http://127.0.0.1:${String(this.running.internalPort)}/stats${query}`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${STATS_TOKEN}` } });
    return response.json();
  }

  /** A creator with one overlay, and whoever restores its feed. */
  async creator(): Promise<{ truth: Truth; grant: OverlayGrant; token: string; worker: RelayWorkerDouble }> {
    const truth = new Truth(this.feed);
    const worker = await new RelayWorkerDouble([truth]).start(this.queue);
    const grant = await truth.overlay();
    return { truth, grant, token: this.tokenFor(truth, grant), worker };
  }

  tokenFor(truth: Truth, { overlayId, version }: OverlayGrant): string {
    return this.tokens.sign({ overlayId, creatorId: truth.creatorId, version });
  }

  /** Connected, but it has not said who it is. */
  async visitor(query = '', options: ConstructorParameters<typeof OverlayClient>[1] = {}): Promise<OverlayClient> {
    const client = new OverlayClient(this.url + query, options);
    this.clients.push(client);
    await client.until(() => client.frames.length > 0 || client.ending, 'hello');
    return client;
  }

  async overlay(token: string, cursor?: { epoch: string; seq: number }): Promise<OverlayClient> {
    const client = await OverlayClient.admitted(this.url, token, cursor);
    this.clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.socket.terminate();
    await this.running.close('test over');
  }
}
