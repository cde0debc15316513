/** Characters of a token before and of the part that holds its creator: bytes 18 to 32 of the 69, where base64 begins anew every third. */
const BEFORE = 'dro_ov_'.length + 24;
const LENGTH = 20;

/** Name of the query parameter that says it to whoever spreads sockets over gateways. */
export const CREATOR_PARAMETER = 'creator';

/**
 * The same for all overlays of a creator and for nobody else's, so that a load balancer can bring them to one gateway. It is 15 bytes of the
 * creator's id as the token spells them: no secret, and nothing of the signature. `undefined` for what is no token.
 */
export function creatorKeyOf(token: string): string | undefined {
  const key = token.slice(BEFORE, BEFORE + LENGTH);
  return token.startsWith('dro_ov_') && key.length === LENGTH ? key : undefined;
}

/** Name of the query parameter by which a page says that it is a preview: no source of a stream, and not counted as one. */
export const PREVIEW_PARAMETER = 'preview';

/** The gateway's address with the creator's key, and never with the token. Other parameters stay. */
export function gatewayFor(gateway: string, token: string): string {
  const key = creatorKeyOf(token);
  return key === undefined ? gateway : withParameter(gateway, CREATOR_PARAMETER, key);
}

/** The gateway's address for a page that is only looked at. */
export function gatewayForPreview(gateway: string): string {
  return withParameter(gateway, PREVIEW_PARAMETER, '1');
}

function withParameter(gateway: string, name: string, value: string): string {
  try {
    const url = new URL(gateway);
    url.searchParams.set(name, value);
    return url.href;
  } catch {
    // Whoever connects says what is wrong with it.
    return gateway;
  }
}
