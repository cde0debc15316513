/** What signs overlay URLs; what seals secrets is derived from it, so that an installation has one set of keys to keep. */
export interface SealingKey {
  readonly id: number;
  readonly secret: Uint8Array;
}

export interface WebhookSettings {
  /** The last one seals, all of them open. */
  readonly keys: readonly SealingKey[];
  readonly ports: ReadonlySet<number>;
  /** Plain http, too. For development: addresses are checked all the same. */
  readonly allowHttp: boolean;
  /** Jobs at once in each lane of the queue. */
  readonly concurrency: number;
  /** Requests at once to one webhook, over all processes. */
  readonly inFlight: number;
  /** A whole attempt: names, connection, answer. */
  readonly attemptMs: number;
  /** After an attempt's deadline its outcome has so long to be written; then somebody else may make it again. */
  readonly leaseSpareMs: number;
  /** Pauses between the attempts of one delivery: about three days in all. Each is spread by a sixth. */
  readonly retriesMs: readonly number[];
  /** Pauses of a whole webhook after rounds in which nothing was taken. */
  readonly restsMs: readonly number[];
  /** Longest rest that the other side may ask for. */
  readonly mostAskedRestMs: number;
  readonly disableAfterMs: number;
  /** How long a secret goes on signing when there is a new one. */
  readonly oldSecretMs: number;
  /** A job hands a webhook on to the next one after this long. */
  readonly jobMs: number;
  readonly sweepEveryMs: number;
  /** What has been due for this long is the sweep's. */
  readonly overdueMs: number;
  readonly purgeEveryMs: number;
  readonly keepDeliveriesMs: number;
  /** Creators whose feed is listened to; others hear of their events by the sweep. */
  readonly mostHeard: number;
}

const [S, MIN, H] = [1000, 60_000, 3_600_000];

export const WEBHOOK_DEFAULTS: Omit<WebhookSettings, 'keys'> = {
  ports: new Set([443, 8443]),
  allowHttp: false,
  concurrency: 32,
  inFlight: 10,
  attemptMs: 10 * S,
  leaseSpareMs: 20 * S,
  retriesMs: [5 * S, 30 * S, 2 * MIN, 10 * MIN, 30 * MIN, ...[1, 2, 4, 8, 12, 12, 12, 12, 8].map((hours) => hours * H)],
  restsMs: [5 * S, 30 * S, 2 * MIN],
  mostAskedRestMs: H,
  disableAfterMs: 72 * H,
  oldSecretMs: 24 * H,
  jobMs: 20 * S,
  sweepEveryMs: 2 * S,
  overdueMs: S,
  purgeEveryMs: 10 * MIN,
  keepDeliveriesMs: 30 * 24 * H,
  mostHeard: 2000,
};

/** Injection token of the settings. */
export const WEBHOOK_SETTINGS = Symbol('webhook settings');
