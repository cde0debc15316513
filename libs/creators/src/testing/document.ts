import * as z from 'zod';

/** The parts of an OpenAPI document that tests walk through. */
const Schema = z.looseObject({});
const Content = z.looseObject({ content: z.record(z.string(), z.object({ schema: Schema })).optional() });
const Operation = z.object({
  operationId: z.string(),
  summary: z.string(),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  parameters: z.array(z.object({ name: z.string(), in: z.enum(['path', 'query', 'header']), schema: Schema })).default([]),
  requestBody: Content.optional(),
  responses: z.record(z.string(), Content),
});
const Document = z.object({
  openapi: z.literal('3.1.0'),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.object({ schemas: z.record(z.string(), Schema) }),
});

export interface Route {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly operation: z.output<typeof Operation>;
}

export interface ApiDocument {
  readonly routes: readonly Route[];
  /** Checks an answer against what the document promises for this status; throws what does not fit. */
  check(operationId: string, status: number, json: unknown): void;
}

export function readDocument(json: unknown): ApiDocument {
  const document = Document.parse(json);
  const routes = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      operationId: operation.operationId,
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
  return {
    routes,
    check: (operationId, status, answer) => {
      const route = routes.find((candidate) => candidate.operationId === operationId);
      const responses = route?.operation.responses ?? {};
      if (status === 204 && '204' in responses && answer === undefined) return;
      const response = responses[String(status)] ?? responses['default'];
      if (answer === undefined && isFile(response)) return;
      const schema = response?.content?.[status < 400 ? 'application/json' : 'application/problem+json']?.schema;
      if (schema === undefined) throw new Error(`${operationId} documents no answer for ${String(status)}`);
      schemaOf(schema, document.components.schemas).parse(answer);
    },
  };
}

/** Documented as something else than JSON. */
function isFile(response: z.output<typeof Content> | undefined): boolean {
  return Object.keys(response?.content ?? {}).some((type) => !type.endsWith('json'));
}

/** JSON Schema with its components next to it, as zod reads it. */
export function schemaOf(schema: object, components: object): z.ZodType {
  const text = JSON.stringify({ ...schema, $defs: components }).replaceAll('#/components/schemas/', '#/$defs/');
  return z.fromJSONSchema(JSON.parse(text) as Parameters<typeof z.fromJSONSchema>[0]);
}
