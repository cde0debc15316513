import { NameResolver } from '../name-resolver.js';

/** Names as a test says; each question is answered by the next of its answers, the last one stays. */
export class StubNames extends NameResolver {
  readonly asked: string[] = [];
  private readonly answers = new Map<string, (readonly string[])[]>();

  says(hostname: string, ...answers: (readonly string[])[]): this {
    this.answers.set(hostname, answers);
    return this;
  }

  override addressesOf(hostname: string): Promise<readonly string[]> {
    this.asked.push(hostname);
    const left = this.answers.get(hostname) ?? [];
    return Promise.resolve((left.length > 1 ? left.shift() : left[0]) ?? []);
  }
}
