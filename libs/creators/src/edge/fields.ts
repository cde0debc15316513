import { cleanName, toHex } from '@droppio/tips';
import { isAddress } from 'viem';
import * as z from 'zod';

/** A one-line text of a person: cleaned like every text that reaches an overlay. */
export const nameField = z
  .string()
  .min(1)
  .max(200)
  .transform((text) => cleanName(text))
  .refine((text) => text !== '', 'holds nothing that can be shown');

/** An EVM address. Mixed case must be its EIP-55 checksum: a wrong one is a typing error, and money would follow it. */
export const addressField = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be 0x and 40 hex digits')
  .refine((text) => isAddress(text) || text.slice(2) === text.slice(2).toUpperCase(), 'has a wrong EIP-55 checksum')
  .transform((text) => toHex(text, 20))
  .refine((address) => !/^0x0{40}$/.test(address), 'is nobody’s address');

export const idField = z.uuid();

/** The end of the year 9999. Postgres reads no year before 1 or with a sign in front. */
const MOST_MS = 253_402_300_799_999;

/** A time, as milliseconds. */
export const momentField = z.iso
  .datetime({ offset: true, error: 'must be an RFC 3339 time' })
  .max(40)
  .transform((text) => Date.parse(text))
  .refine((ms) => ms >= 0 && ms <= MOST_MS, 'is outside of what is told of');
export const timeField = momentField.transform((ms) => new Date(ms));

/** Answers: shapes for the document, filled by the views. */
export const addressShape = z
  .string()
  .meta({ description: 'Lower-case 0x-hex.', examples: ['0x52908400098527886e0f7030069857d2e4169ee7'] });
export const hashShape = z.string().meta({ description: '32 bytes, 0x-hex.' });
export const timeShape = z.string().meta({ format: 'date-time', description: 'RFC 3339, UTC.' });

/** Pages: what every list takes and gives. */
export const pageQuery = {
  limit: z.coerce.number<string>().int().min(1).max(200).default(50).meta({ description: 'How many at most.' }),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,256}$/, 'is not a cursor of ours')
    .optional()
    .meta({ description: 'The `page.next` of the page before.' }),
};
export const pageShape = z.object({
  next: z.string().nullable().meta({ description: 'Cursor of the next page; null on the last.' }),
  hasMore: z.boolean(),
});
