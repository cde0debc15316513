/** What a scenario needs of the house beside what every house has. Scenarios of one kind share a house. */
export const HOUSE_KINDS = ['plain', 'replica', 'three-providers', 'small-disk'] as const;
export type HouseKind = (typeof HOUSE_KINDS)[number];

export interface HousePlan {
  readonly kind: HouseKind;
  /** 1: 50 creators, 200 overlays, 20 tips a second. */
  readonly scale: number;
  readonly folder: string;
  readonly anvilPath: string;
  readonly redisServerPath: string;
  readonly chromiumPath: string;
  readonly seed: number;
  /** Arguments for Node in every app: how known-bad builds come in. */
  readonly nodeOptions: string;
  /** Further SQL once the schema is there. */
  readonly extraSql: string;
}

export const LOAD = { creators: 50, overlays: 200, pages: 4, tipsPerSecond: 20, blockMs: 1000, gateways: 3 } as const;
export const CHAIN_ID = 31_400;

export const scaled = (count: number, scale: number, least: number): number => Math.max(least, Math.round(count * scale));
