import { EntitySchema } from 'typeorm';
import type { OverlayGrant } from '@droppio/tips';
import { int8, now } from '../columns.js';

/** How far a creator's feed is. Its events are those of `creator_events` above `tail` and up to `head`. */
export interface FeedStreamRow {
  creatorId: string;
  epoch: string;
  head: number;
  tail: number;
  /** Another one with each rewriting. */
  generation: string;
  /** The epoch that is over, whatever came after it. */
  ended: string | null;
  /** When the newest event was appended. */
  publishedMs: number | null;
  /** When each of the newest events was, and the trace that it belongs to; the last ones are the head's. */
  pubs: readonly (number | null)[];
  traces: readonly (string | null)[];
  usedAt: Date;
}

export const FeedStreamEntity = new EntitySchema<FeedStreamRow>({
  name: 'FeedStream',
  tableName: 'feed_streams',
  columns: {
    creatorId: { type: 'uuid', name: 'creator_id', primary: true, primaryKeyConstraintName: 'feed_streams_pkey' },
    epoch: { type: 'text' },
    head: int8,
    tail: int8,
    generation: { type: 'uuid' },
    ended: { type: 'text', nullable: true },
    publishedMs: { ...int8, name: 'published_ms', nullable: true },
    pubs: { type: 'bigint', array: true, default: [] },
    traces: { type: 'text', array: true, default: [] },
    usedAt: { ...now, name: 'used_at' },
  },
});

export interface FeedGrantRow {
  creatorId: string;
  overlayId: string;
  payload: OverlayGrant;
}

export const FeedGrantEntity = new EntitySchema<FeedGrantRow>({
  name: 'FeedGrant',
  tableName: 'feed_grants',
  columns: {
    creatorId: { type: 'uuid', name: 'creator_id', primary: true, primaryKeyConstraintName: 'feed_grants_pkey' },
    overlayId: { type: 'uuid', name: 'overlay_id', primary: true, primaryKeyConstraintName: 'feed_grants_pkey' },
    payload: { type: 'jsonb' },
  },
});

/** What one process holds, by creator and by overlay. */
export interface FeedPresenceRow {
  kind: 'creator' | 'overlay';
  source: string;
  sockets: Record<string, number>;
  total: number;
  fadesAt: Date;
}

export const FeedPresenceEntity = new EntitySchema<FeedPresenceRow>({
  name: 'FeedPresence',
  tableName: 'feed_presence',
  columns: {
    kind: { type: 'text', primary: true, primaryKeyConstraintName: 'feed_presence_pkey' },
    source: { type: 'text', primary: true, primaryKeyConstraintName: 'feed_presence_pkey' },
    sockets: { type: 'jsonb' },
    total: { type: 'integer' },
    fadesAt: { type: 'timestamptz', name: 'fades_at' },
  },
});

export interface OverlayVitalsRow {
  overlayId: string;
  seenAtMs: number | null;
  shownAtMs: number | null;
  latenciesMs: number[];
  notedAt: Date;
}

export const OverlayVitalsEntity = new EntitySchema<OverlayVitalsRow>({
  name: 'OverlayVitals',
  tableName: 'overlay_vitals',
  columns: {
    overlayId: { type: 'uuid', name: 'overlay_id', primary: true, primaryKeyConstraintName: 'overlay_vitals_pkey' },
    seenAtMs: { ...int8, name: 'seen_at_ms', nullable: true },
    shownAtMs: { ...int8, name: 'shown_at_ms', nullable: true },
    latenciesMs: { type: 'double precision', array: true, name: 'latencies_ms' },
    notedAt: { ...now, name: 'noted_at' },
  },
});

export interface RateWindowRow {
  key: string;
  hits: number;
  endsAt: Date;
}

export const RateWindowEntity = new EntitySchema<RateWindowRow>({
  name: 'RateWindow',
  tableName: 'rate_windows',
  columns: {
    key: { type: 'text', primary: true, primaryKeyConstraintName: 'rate_windows_pkey' },
    hits: { type: 'integer' },
    endsAt: { type: 'timestamptz', name: 'ends_at' },
  },
});

export const FEED_ENTITIES = [FeedStreamEntity, FeedGrantEntity, FeedPresenceEntity, OverlayVitalsEntity, RateWindowEntity];
