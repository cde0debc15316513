import { createServer, type Server } from 'node:http';
import * as z from 'zod';

const Value = z.union([
  z.object({ stringValue: z.string() }).transform(({ stringValue }) => stringValue),
  z.object({ intValue: z.coerce.number() }).transform(({ intValue }) => intValue),
  z.object({ doubleValue: z.number() }).transform(({ doubleValue }) => doubleValue),
  z.object({ boolValue: z.boolean() }).transform(({ boolValue }) => boolValue),
  // Attributes of the library itself that have no value.
  z.object({}).transform(() => ''),
]);
const Attributes = z
  .array(z.object({ key: z.string(), value: Value }))
  .default([])
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, value])));
const Span = z.object({
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  spanId: z.string().regex(/^[0-9a-f]{16}$/),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.number(),
  startTimeUnixNano: z.coerce.bigint(),
  endTimeUnixNano: z.coerce.bigint(),
  attributes: Attributes,
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
});
const Export = z.object({
  resourceSpans: z.array(
    z.object({ resource: z.object({ attributes: Attributes }), scopeSpans: z.array(z.object({ spans: z.array(Span) })) }),
  ),
});

export type ReceivedSpan = z.output<typeof Span> & { readonly service: string; readonly instance: string };

/** A collector as far as a test needs one: takes OTLP over HTTP as JSON and keeps the spans. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** Everything that came, to look for what must not be in there. */
  readonly bodies: string[] = [];
  readonly faults: string[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<OtlpReceiver> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    const receiver = new OtlpReceiver(server, `http://127.0.0.1:${String(address.port)}/v1/traces`);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        receiver.take(request.url ?? '', Buffer.concat(chunks).toString('utf8'));
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
    return receiver;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private take(path: string, body: string): void {
    this.bodies.push(body);
    try {
      if (path !== '/v1/traces') throw new Error(`nothing is taken at ${path}`);
      for (const { resource, scopeSpans } of Export.parse(JSON.parse(body)).resourceSpans) {
        const { 'service.name': service = '', 'service.instance.id': instance = '' } = resource.attributes;
        const spans = scopeSpans.flatMap((scope) => scope.spans);
        this.spans.push(...spans.map((span) => ({ ...span, service: String(service), instance: String(instance) })));
      }
    } catch (error) {
      this.faults.push(String(error));
    }
  }
}
