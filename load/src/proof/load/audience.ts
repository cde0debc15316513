import { join } from 'node:path';
import { HouseClient, startBrowser, type House, type TestCreator } from '@droppio/e2e/houses';
import { DEFAULT_OVERLAY_CONFIG } from '@droppio/tips';
import type { Browser } from 'playwright-core';
import type { OverlayFacts } from '../checker/history.js';
import { CHAIN_ID, LOAD, scaled } from '../house/house-plan.js';
import type { ProofHouse } from '../house/proof-house.js';
import { Journal } from '../journals/journal.js';
import { Crowd } from './crowd.js';
import { CrowdOverlay } from './crowd-overlay.js';
import type { CrowdMember } from './crowd-words.js';
import { GoalPage } from './goal-page.js';
import { ScreenPage } from './screen-page.js';

const PER_PROCESS = 50;
/** Of ten, so many reach their gateway through the gate that shakes. */
const SHAKY_SHARE = 10;
const AT_ONCE = 8;

/** Creators, and whoever watches them. */
export class Audience {
  private readonly apart: CrowdOverlay[] = [];
  private readonly more: Crowd[] = [];

  private constructor(
    readonly creators: readonly TestCreator[],
    readonly client: HouseClient,
    readonly crowd: Crowd,
    private readonly screens: {
      readonly browser: Browser;
      readonly pages: ScreenPage[];
      readonly goal: GoalPage;
      readonly journal: Journal;
      readonly file: string;
    },
    private readonly facts: OverlayFacts[],
  ) {}

  get pages(): readonly ScreenPage[] {
    return this.screens.pages;
  }

  get goal(): GoalPage {
    return this.screens.goal;
  }

  /** Files with what everybody saw. */
  get journals(): readonly string[] {
    return [...[this.crowd, ...this.more].flatMap(({ journals }) => journals), this.screens.file];
  }

  static async gather(house: ProofHouse): Promise<Audience> {
    const { scale, folder, chromiumPath } = house.plan;
    const client = new HouseClient(asHouse(house));
    const creators = await registered(client, scaled(LOAD.creators, scale, LOAD.pages));
    const size = scaled(LOAD.overlays, scale, creators.length) - LOAD.pages;
    const members = Array.from({ length: size }, (_, n) => memberOf(house, creators, n));
    const crowd = await Crowd.begin(members, Math.ceil(size / PER_PROCESS), folder);
    const file = join(folder, 'pages.jsonl');
    const journal = new Journal(file);
    const browser = await startBrowser(chromiumPath);
    const facts: OverlayFacts[] = members.map(({ who, creatorId }) => ({ who, creatorId, kind: 'client' }));
    const pages: ScreenPage[] = [];
    for (const creator of creators.slice(0, LOAD.pages)) {
      const who = `page-${String(pages.length)}`;
      // One sits behind a network that lets no WebSocket through.
      const way = pages.length === LOAD.pages - 1 ? 'http' : 'any';
      pages.push(await ScreenPage.open(browser, { url: creator.pageUrl, way }, who, journal));
      facts.push({ who, creatorId: creator.id, kind: 'page' });
    }
    const [watched] = creators;
    if (watched === undefined) throw new Error('there are no creators');
    const goal = await GoalPage.open(browser, client, watched);
    return new Audience(creators, client, crowd, { browser, pages, goal, journal, file }, facts);
  }

  get overlays(): readonly OverlayFacts[] {
    return this.facts;
  }

  /** Whether every page was sent what its creator's stream has. */
  hasPagesAt(heads: ReadonlyMap<string, number>): boolean {
    const creators = new Map(this.facts.map(({ who, creatorId }) => [who, creatorId]));
    return this.pages.every(({ who, place }) => place >= (heads.get(creators.get(who) ?? '') ?? 0));
  }

  /** A second source with the same address as a page. */
  async addTwin(of: ScreenPage): Promise<ScreenPage> {
    const facts = this.facts.find(({ who }) => who === of.who);
    if (facts === undefined) throw new Error(`nobody is called ${of.who}`);
    const who = `${of.who}-twin-${String(this.facts.length)}`;
    const twin = await of.twin(who);
    this.facts.push({ ...facts, who });
    this.screens.pages.push(twin);
    return twin;
  }

  /** One more client, in this process, through a gate of its own. */
  addClient(creator: TestCreator, gatePort: number): CrowdOverlay {
    const who = `overlay-apart-${String(this.facts.length)}`;
    const member = { ...memberFor(creator, gatePort), who };
    const overlay = new CrowdOverlay(member, this.screens.journal);
    this.facts.push({ who, creatorId: creator.id, kind: 'client' });
    this.apart.push(overlay);
    overlay.start();
    return overlay;
  }

  /** Many more clients, for a while: they answer for what stood until they leave. */
  async addCrowd(
    { gates, plan }: ProofHouse,
    size: number,
    perProcess: number,
  ): Promise<{ readonly crowd: Crowd; readonly leave: (answersUntil: number) => Promise<void> }> {
    // Not the one who is tipped by the thousand elsewhere: each of those times each of these is more than a disk should keep.
    const watched = this.creators.filter((creator) => creator !== this.unpaged);
    const members = Array.from({ length: size }, (_, n) => ({
      ...memberFor(watched[n % watched.length] ?? this.unpaged, gates.overlays.port),
      who: `herd-${String(n)}`,
    }));
    const crowd = await Crowd.begin(members, Math.ceil(size / perProcess), plan.folder, `herd-${String(this.more.length)}`);
    this.more.push(crowd);
    const leave = async (answersUntil: number): Promise<void> => {
      await crowd.stop();
      this.facts.push(...members.map(({ who, creatorId }) => ({ who, creatorId, kind: 'client' as const, answersUntil })));
    };
    return { crowd, leave };
  }

  /** Those that no page watches: what pages fold into cards is not to be told apart. */
  get unpaged(): TestCreator {
    const creator = this.creators.at(-1);
    if (creator === undefined) throw new Error('there are no creators');
    return creator;
  }

  async leave(): Promise<void> {
    for (const crowd of [this.crowd, ...this.more]) await crowd.stop();
    for (const overlay of this.apart) overlay.stop();
    await this.screens.browser.close();
    this.screens.journal.close();
  }
}

function memberOf({ gates }: ProofHouse, creators: readonly TestCreator[], n: number): CrowdMember {
  const creator = creators[n % creators.length];
  if (creator === undefined) throw new Error('there are no creators');
  const gate = n % SHAKY_SHARE === 0 ? gates.shaky : gates.overlays;
  return { ...memberFor(creator, gate.port), who: `overlay-${String(n)}` };
}

/** Somebody who watches this creator, through this gate. */
export function memberFor({ id, pageUrl }: TestCreator, gatePort: number): Omit<CrowdMember, 'who'> {
  return { creatorId: id, token: new URL(pageUrl).hash.slice(1), gateway: `ws://127.0.0.1:${String(gatePort)}/overlay` };
}

async function registered(client: HouseClient, count: number): Promise<TestCreator[]> {
  const defaults = { ...DEFAULT_OVERLAY_CONFIG.defaults, durationMs: 6000, gapMs: 0, sound: null };
  const catchUp = { mode: 'play', maxAgeSec: 86_400, maxAlerts: 100, onlyWhileLive: false };
  const config = { ...DEFAULT_OVERLAY_CONFIG, defaults, catchUp };
  const creators: TestCreator[] = [];
  while (creators.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - creators.length) }, () => client.creator(config));
    creators.push(...(await Promise.all(some)));
  }
  return creators;
}

function asHouse({ facts, services, gates }: ProofHouse): House {
  const rpcUrl = services.chain.url;
  return {
    name: 'proof',
    apiUrl: facts.apiUrl,
    adminToken: facts.adminToken,
    gatewayUrl: `ws://127.0.0.1:${String(gates.overlays.port)}/overlay`,
    chain: { chainId: CHAIN_ID, rpcUrl, wsUrl: rpcUrl.replace('http', 'ws'), jar: facts.mint.address('jar'), tippers: [] },
    internalUrls: {},
    output: () => '',
    stop: () => Promise.resolve(),
  };
}
