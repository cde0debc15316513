import type { Creator } from '@droppio/tips';
import * as z from 'zod';
import { bytesToHex } from './columns.js';

/** Every request of a creator begins with one of these, so each is one round trip; an ORM makes two of it, and of joins rows per wallet. */
const CREATOR = `
SELECT c.id, c.handle, c.display_name, c.alert_after, c.listed, c.created_at,
  ARRAY(SELECT w.address FROM creator_wallets w WHERE w.creator_id = c.id ORDER BY w.position) AS wallets
FROM creators c`;

export const CREATOR_BY_ID = `${CREATOR} WHERE c.id = $1`;
export const CREATOR_BY_HANDLE = `${CREATOR} WHERE c.handle = $1`;
export const CREATOR_BY_WALLET = `${CREATOR} WHERE c.id = (SELECT creator_id FROM creator_wallets WHERE address = $1)`;

export const CreatorRow = z
  .object({
    id: z.string(),
    handle: z.string(),
    display_name: z.string(),
    alert_after: z.number(),
    listed: z.boolean(),
    created_at: z.date(),
    wallets: z.array(z.instanceof(Buffer).transform(bytesToHex)),
  })
  .transform(({ id, handle, display_name, alert_after, listed, created_at, wallets }): Creator => {
    return { id, handle, displayName: display_name, alertAfter: alert_after, listed, createdAt: created_at, wallets };
  });
