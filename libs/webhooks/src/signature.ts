import { createHmac } from 'node:crypto';

/** The headers of Standard Webhooks. One signature per secret: while secrets are rotated, either of them verifies. */
export function signedHeaders(secrets: readonly Uint8Array[], id: string, nowMs: number, body: string): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000));
  const signatures = secrets.map((secret) => `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`);
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}
