import { isHex, toHex } from '@droppio/tips';
import * as z from 'zod';

/** `8453:0x…`. The chain's own coin is the zero address, so this is no `addressField`. */
export const tokenField = z
  .string()
  .regex(/^[1-9][0-9]{0,15}:0x[0-9a-fA-F]{40}$/, 'must be a chain id, a colon and the address of a token')
  .transform((text, context) => {
    const [chain = '', address = ''] = text.split(':');
    const chainId = Number(chain);
    if (Number.isSafeInteger(chainId) && isHex(address)) return { chainId, address: toHex(address, 20) };
    context.addIssue({ code: 'custom', message: 'names no chain' });
    return z.NEVER;
  })
  .meta({
    description: 'A token: chain id, colon, address; the zero address is the chain’s own coin.',
    examples: ['8453:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913'],
  });
