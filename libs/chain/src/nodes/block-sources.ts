import type { BlockHeader, Hex } from '@droppio/tips';
import type { RpcEndpoint } from './rpc-endpoint.js';

/** The newest endpoint that told of a block, and the header in its own words: with a quorum, nobody else's may count as its vote. */
export interface BlockSource {
  readonly header: BlockHeader;
  readonly endpoint: RpcEndpoint;
}

const REMEMBERED = 1024;

/** Who has told of which block: its logs are asked for there. */
export class BlockSources {
  private readonly sources = new Map<Hex, BlockSource>();

  told(header: BlockHeader, endpoint: RpcEndpoint): void {
    this.sources.set(header.hash, { header, endpoint });
    for (const oldest of this.sources.keys()) {
      if (this.sources.size <= REMEMBERED) return;
      this.sources.delete(oldest);
    }
  }

  of(hash: Hex): BlockSource | undefined {
    return this.sources.get(hash);
  }
}

/**
 * Which of the HTTP endpoints belongs to the provider of this socket, so that what one pushes the other has: the one on its host and port, else
 * the only provider on its host. -1: none, or nobody can say which.
 */
export function twinOf(wsUrl: string, rpcUrls: readonly string[]): number {
  const { host, hostname } = new URL(wsUrl);
  const urls = rpcUrls.map((url) => new URL(url));
  const own = urls.findIndex((url) => url.host === host);
  if (own >= 0) return own;
  const near = urls.filter((url) => url.hostname === hostname);
  return new Set(near.map((url) => url.host)).size === 1 ? urls.findIndex((url) => url.hostname === hostname) : -1;
}
