import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TipView } from '@droppio/protocol';
import { TIP_TTL_MS } from '@droppio/tips';
import { aDisplay } from '@droppio/tips/testing';
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject } from 'vitest';
import { ScriptedGateway } from './scripted-gateway.js';

export const TOKEN = 'dro_ov_Q0FOQVJZLXRva2Vu';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  // Letters drawn alike on every machine.
  '--force-color-profile=srgb',
  '--font-render-hinting=none',
  '--disable-lcd-text',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // As in OBS.
  '--autoplay-policy=no-user-gesture-required',
  // A home network's plain http, where browsers withhold locks and subtle crypto.
  '--host-resolver-rules=MAP overlay.test 127.0.0.1',
];

declare global {
  interface Window {
    sawAlert?: (id: string) => Promise<void>;
  }
}

export interface Spectator {
  readonly page: Page;
  /** Everything that a log could pick up. */
  readonly said: string[];
  /** Requests to anybody else. */
  readonly foreign: string[];
}

/** The built page in a real Chromium, before a scripted gateway: new ones for each test. */
export class Theatre {
  folder = '';
  private stagedBrowser: Browser | undefined;
  private stagedContext: BrowserContext | undefined;
  private stagedGateway: ScriptedGateway | undefined;

  get gateway(): ScriptedGateway {
    if (this.stagedGateway === undefined) throw new Error('only inside a test');
    return this.stagedGateway;
  }

  get context(): BrowserContext {
    if (this.stagedContext === undefined) throw new Error('only inside a test');
    return this.stagedContext;
  }

  async open(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'droppio-overlay-'));
    const root = fileURLToPath(new URL('../..', import.meta.url));
    await build({ root, logLevel: 'error', build: { outDir: this.folder } });
    this.stagedBrowser = await chromium.launch({ executablePath: inject('chromiumPath'), args: FLAGS });
  }

  async close(): Promise<void> {
    await this.stagedBrowser?.close();
    await rm(this.folder, { recursive: true });
  }

  async raise(): Promise<void> {
    this.stagedGateway = new ScriptedGateway(this.folder);
    await this.gateway.listen();
    await this.resize(1920, 1080);
  }

  async lower(): Promise<void> {
    await this.stagedContext?.close();
    await this.stagedGateway?.close();
    this.stagedContext = undefined;
  }

  async resize(width: number, height: number): Promise<void> {
    await this.stagedContext?.close();
    this.stagedContext = await this.stagedBrowser?.newContext({ viewport: { width, height } });
  }

  tip(view: Partial<TipView> = {}, name = view.name ?? 'alice.eth'): TipView {
    const d: TipView = { ...aDisplay(), ...view, name };
    this.gateway.publish({ type: 'tip', id: d.tipId, at: now(), ttlMs: TIP_TTL_MS, state: 'confirmed', rev: 1, d });
    return d;
  }

  /** An amount in ETH, exact. */
  eth(raw: string): TipView['amount'] {
    return { ...aDisplay().amount, raw };
  }

  retract(tip: TipView): void {
    this.gateway.publish({
      type: 'tip.retracted',
      id: tip.tipId,
      at: now(),
      ttlMs: TIP_TTL_MS,
      state: 'orphaned',
      rev: 2,
      d: tip,
    });
  }

  /** In another block, after a fork. */
  comeBack(tip: TipView): void {
    this.gateway.publish({ type: 'tip.updated', id: tip.tipId, at: now(), ttlMs: TIP_TTL_MS, state: 'confirmed', rev: 3, d: tip });
  }

  test(): void {
    this.gateway.publish({ type: 'test', id: randomUUID(), at: now(), ttlMs: TIP_TTL_MS, d: aDisplay() });
  }

  configure(config: Record<string, unknown>): void {
    const d = { overlayId: 'o1', config: { schemaVersion: 1 as const, ...config } };
    this.gateway.publish({ type: 'config', id: 'o1', at: now(), ttlMs: TIP_TTL_MS, d });
  }

  command(action: string): void {
    this.gateway.publish({ type: 'control', id: randomUUID(), at: now(), ttlMs: TIP_TTL_MS, d: { action } });
  }

  async visit(page: Page, origin = this.gateway.origin, fragment = TOKEN): Promise<void> {
    await page.goto(`${origin}/overlay/#${fragment}`);
    await page.waitForSelector('body[data-connection="open"]');
  }

  async spectate({ fragment = TOKEN, connected = true } = {}): Promise<Spectator> {
    const page = await this.context.newPage();
    const said: string[] = [];
    const foreign: string[] = [];
    const { origin } = this.gateway;
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== origin) foreign.push(request.url());
    });
    await page.goto(`${origin}/overlay/#${fragment}`);
    if (connected) await page.waitForSelector('body[data-connection="open"]');
    return { page, said, foreign };
  }

  /** Writes down each alert at its first frame, over reloads too. What goes on after a reload is no other showing. */
  async record(page: Page): Promise<() => string[]> {
    const seen: string[] = [];
    await page.exposeFunction('sawAlert', (id: string) => seen.push(id));
    await page.addInitScript(() => {
      new MutationObserver((changes) => {
        for (const node of changes.flatMap((change) => [...change.addedNodes])) {
          if (!(node instanceof HTMLElement) || !node.matches('[data-alert]:not([data-resumed])')) continue;
          requestAnimationFrame(() => {
            void window.sawAlert?.(node.dataset['tipId'] ?? `digest of ${node.dataset['tips'] ?? ''}`);
          });
        }
      }).observe(document, { childList: true, subtree: true });
    });
    return () => seen;
  }
}

/** A theatre for the tests of one file. */
export function useTheatre(): Theatre {
  const theatre = new Theatre();
  beforeAll(() => theatre.open());
  afterAll(() => theatre.close());
  beforeEach(() => theatre.raise());
  afterEach(() => theatre.lower());
  return theatre;
}

export const until = (check: () => unknown): Promise<void> => expect.poll(check).toBeTruthy();
/** The page's own time stands still from now on, so that a slow machine misses nothing; its clock is installed. */
export const stopTime = (page: Page): Promise<void> => page.clock.pauseAt(Date.now() + 5000);
export const alertOf = (page: Page, tipId: string): Locator => page.locator(`[data-alert][data-tip-id="${tipId}"]`);
const now = () => ({ block: Date.now() - 500, seen: Date.now() });
