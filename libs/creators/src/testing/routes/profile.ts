import { randomHex } from '@droppio/tips/testing';
import { mine, operators, type RouteRow } from './row.js';

export const profileRoutes: Readonly<Record<string, RouteRow>> = {
  createCreator: operators(201, {
    body: () => ({ handle: `m-${randomHex(6).slice(2)}`, displayName: 'Someone', wallets: [randomHex(20)] }),
  }),
  getMe: mine('read', 200),
  changeMe: mine('write', 200, { body: () => ({ alertAfter: 1 }) }),
};
