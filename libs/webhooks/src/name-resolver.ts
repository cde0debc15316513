import { Resolver } from 'node:dns/promises';
import { Injectable } from '@nestjs/common';

/** Names to addresses. Answers with all of them, or none; never rejects. */
export abstract class NameResolver {
  abstract addressesOf(hostname: string): Promise<readonly string[]>;
}

const TIMEOUT_MS = 1500;

/**
 * Asks the name servers itself: the system's own lookup would read the hosts file and search domains, and its few threads, which the whole
 * process shares, would wait for whatever slow name server a stranger has set up.
 */
@Injectable()
export class DnsResolver extends NameResolver {
  private readonly resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 2 });

  override async addressesOf(hostname: string): Promise<readonly string[]> {
    const answers = await Promise.allSettled([this.resolver.resolve4(hostname), this.resolver.resolve6(hostname)]);
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  }
}
