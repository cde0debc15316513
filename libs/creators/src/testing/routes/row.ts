import type { Scope } from '@droppio/tips';
import type { TestApi, TestCreator } from '../test-api.js';
import type { Wallet } from '../wallet.js';

/** Whom a row may be about: the owner of what is asked for, and another creator who is not. */
export interface Scene {
  readonly api: TestApi;
  /** The owner's wallet, to sign in with. */
  readonly wallet: Wallet;
  readonly owner: TestCreator;
  readonly other: TestCreator;
}

/** What a route expects of its callers; `testing/route-matrix.ts` says how each of them is answered. */
export interface RouteRow {
  readonly who: 'everybody' | 'creators' | 'operator' | 'overlay';
  /** What a token must be made for. Of creators only. */
  readonly scope?: Scope;
  /** Does a browser need a sign-in of the last minutes? As a rule: for `account`. */
  readonly fresh?: boolean;
  /** Status for those who may. */
  readonly ok: number;
  /** Status for another creator, with the owner's ids in the address. As a rule 404; without ids what the owner gets. */
  readonly other?: number;
  /** A body that is accepted, so that a refusal is about the caller. */
  readonly body?: (scene: Scene) => unknown;
  /** `name=value&…` that the route cannot do without. */
  readonly query?: string;
  readonly headers?: (scene: Scene) => Record<string, string> | Promise<Record<string, string>>;
  /** Values for the names in the address, of something that is the owner's; made anew for each call. `{id}` is an overlay as a rule. */
  readonly params?: (scene: Scene) => Record<string, string> | Promise<Record<string, string>>;
  /** Status for the cookie of a session that another site's page sends along. As a rule 403, and what the owner gets where nothing changes. */
  readonly foreign?: number;
  /** A success ends the credentials that were shown, or the creator: such a route gets creators of its own. */
  readonly ends?: boolean;
}

type More = Omit<RouteRow, 'who' | 'scope' | 'ok'>;

/** A route of creators: the scope, the status for its owner, and whatever is unusual. */
export const mine = (scope: Scope, ok: number, more: More = {}): RouteRow => ({ who: 'creators', scope, ok, ...more });
export const open = (ok: number, more: More = {}): RouteRow => ({ who: 'everybody', ok, ...more });
export const operators = (ok: number, more: More = {}): RouteRow => ({ who: 'operator', ok, ...more });
export const overlays = (ok: number, more: More = {}): RouteRow => ({ who: 'overlay', ok, ...more });
