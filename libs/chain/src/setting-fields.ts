import { isHex, toHex } from '@droppio/tips';
import * as z from 'zod';

export const address = z
  .string()
  .refine((text) => isHex(text) && text.length === 42, 'it must be 20 bytes of hex, such as 0x52908400098527886E0F7030069857D2E4169EE7')
  .transform((text) => toHex(text, 20));
export const symbol = z.string().trim().min(1).max(16);
export const decimals = z.int().min(0).max(36);
