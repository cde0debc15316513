import { parseWidgetAnswer, WIDGET_PATH, type WidgetAnswer } from '@droppio/protocol';
import type { FeedPosition } from '@droppio/tips';

const PATIENCE_MS = 10_000;
const LATER_MAX_S = 300;

/** What a question brought: an answer, or how long to leave the server alone. */
export type Asked = { readonly answer: WidgetAnswer } | { readonly retryMs: number | undefined };

/** Asks the API beside the page what the widget shows. Never throws. */
export class WidgetSource {
  /** `page`: the page's own address; the API is at the same host, under the same prefix. */
  constructor(
    private readonly page: string,
    private readonly token: string,
    private readonly ask: typeof fetch = (url, init) => fetch(url, init),
  ) {}

  /** At `after` or later. */
  async read({ epoch, seq }: FeedPosition): Promise<Asked> {
    const url = new URL(`..${WIDGET_PATH}`, this.page);
    url.search = new URLSearchParams({ after: `${epoch}.${String(seq)}` }).toString();
    url.hash = '';
    try {
      const response = await this.ask(url.href, {
        // Never in the address, where proxies write it down.
        headers: { authorization: `Bearer ${this.token}` },
        signal: AbortSignal.timeout(PATIENCE_MS),
        cache: 'no-store',
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
      });
      const answer = response.ok ? parseWidgetAnswer(await response.text()) : undefined;
      return answer === undefined ? { retryMs: laterOf(response) } : { answer };
    } catch {
      return { retryMs: undefined };
    }
  }
}

function laterOf({ headers }: Response): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? 0);
  return seconds > 0 ? Math.min(seconds, LATER_MAX_S) * 1000 : undefined;
}
