import { request as plainRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as secureRequest, type RequestOptions } from 'node:https';
import { isIPv6, type LookupFunction } from 'node:net';
import { TimedOut, within, type Clock, type WebhookFault } from '@droppio/tips';
import type { Target, TargetGuard } from './target-guard.js';

/** Of an answer's body so much is read, for politeness, and thrown away. */
const BODY_BYTES = 4096;

export interface SenderOptions {
  /** A whole attempt. */
  readonly attemptMs: number;
  /** Certificates that are trusted besides: for tests, whose servers have their own. */
  readonly ca?: string;
}

export type Sent =
  | { readonly kind: 'answered'; readonly status: number; /** As the other side asks. */ readonly retryAfterMs?: number }
  | { readonly kind: 'fault'; readonly fault: WebhookFault };

/**
 * One POST to a stranger's server. Connects to the very addresses that were checked a moment before, follows nothing, knows no proxy, and is over
 * in time whatever the other side does. Never rejects.
 */
export class WebhookSender {
  constructor(
    private readonly guard: TargetGuard,
    private readonly options: SenderOptions,
    private readonly clock: Clock,
  ) {}

  async post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<Sent> {
    const deadline = AbortSignal.timeout(this.options.attemptMs);
    try {
      const target = await within(this.options.attemptMs, 'resolving a webhook', this.guard.check(url));
      if (target.kind === 'refusal') return { kind: 'fault', fault: target.fault };
      return await this.exchange(target, headers, body, deadline);
    } catch (error) {
      return { kind: 'fault', fault: error instanceof TimedOut || deadline.aborted ? 'timed-out' : faultOf(error) };
    }
  }

  private exchange(target: Target, headers: Readonly<Record<string, string>>, body: string, signal: AbortSignal): Promise<Sent> {
    return new Promise((resolve, reject) => {
      const call = this.open(target, headers, body, signal);
      let answered: IncomingMessage | undefined;
      call.on('error', (error) => {
        // An answer that is cut off, by us or by them, has said what counts.
        if (answered === undefined) reject(error);
        else resolve(this.read(answered));
      });
      // Whatever else may end it, an upgrade for one.
      call.once('close', () => {
        reject(new Error('closed without an answer'));
      });
      call.once('response', (answer) => {
        answered = answer;
        void drained(answer).then(() => {
          resolve(this.read(answer));
        });
      });
      call.end(body);
    });
  }

  private open({ url, addresses }: Target, headers: Readonly<Record<string, string>>, body: string, signal: AbortSignal): ClientRequest {
    const options: RequestOptions = {
      method: 'POST',
      headers: {
        ...headers,
        'content-type': 'application/cloudevents+json; charset=utf-8',
        'content-length': String(Buffer.byteLength(body)),
        'user-agent': 'Droppio-Webhooks/1',
        accept: '*/*',
      },
      // A connection of its own: one that is kept would lead to an address that was checked long ago.
      agent: false,
      lookup: lookupOf(addresses),
      signal,
      maxHeaderSize: 16_384,
      insecureHTTPParser: false,
    };
    if (url.protocol === 'http:') return plainRequest(url, options);
    const { ca } = this.options;
    // Said aloud, since NODE_TLS_REJECT_UNAUTHORIZED changes what holds otherwise.
    return secureRequest(url, { ...options, rejectUnauthorized: true, minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) });
  }

  private read({ statusCode = 0, headers }: IncomingMessage): Sent {
    const asked = statusCode === 429 || statusCode === 503 ? retryAfterMs(headers['retry-after'], this.clock.now()) : undefined;
    return { kind: 'answered', status: statusCode, ...(asked === undefined ? {} : { retryAfterMs: asked }) };
  }
}

/** Gives what was checked, to whoever asks in whatever way. */
function lookupOf(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  return (_hostname, options, callback) => {
    const [first] = found;
    if (first === undefined) callback(new Error('no address'), '', 0);
    else if (options.all === true) callback(null, found);
    else callback(null, first.address, first.family);
  };
}

/** Resolves when the answer has ended, or enough of it was read; its status counts in any case. */
function drained(answer: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > BODY_BYTES) answer.destroy();
    });
    answer.once('error', () => {
      resolve();
    });
    answer.once('close', () => {
      resolve();
    });
  });
}

const NOT_CONNECTED = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EADDRNOTAVAIL', 'EHOSTDOWN', 'ENETDOWN']);
const TLS_CODE = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/;

function faultOf(error: unknown): WebhookFault {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (NOT_CONNECTED.has(code)) return 'not-connected';
  return TLS_CODE.test(code) ? 'tls-failed' : 'broken-answer';
}

/** RFC 9110, 10.2.3: seconds, or a date. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const until = Date.parse(header);
  return Number.isNaN(until) || !/^[A-Z][a-z]{2}, /.test(header) ? undefined : Math.max(0, until - nowMs);
}
