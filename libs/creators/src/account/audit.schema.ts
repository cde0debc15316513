import type { AuditEntry, AuditPage } from '@droppio/tips';
import * as z from 'zod';
import { pageQuery, pageShape, timeField, timeShape } from '../edge/fields.js';

export const AuditLogQuery = z.strictObject({
  ...pageQuery,
  operation: z
    .string()
    .regex(/^[A-Za-z0-9_.]{1,64}$/, 'is no operation of ours')
    .optional()
    .meta({ description: 'An `operationId` of this document.' }),
  from: timeField.optional().meta({ description: 'Entries from this time on.' }),
  to: timeField.optional().meta({ description: 'Entries before this time.' }),
});
export type AuditLogQuery = z.output<typeof AuditLogQuery>;

const AuditEntryView = z
  .object({
    id: z.string(),
    at: timeShape,
    actor: z.object({
      kind: z.enum(['session', 'token', 'operator']).meta({ description: 'A signed-in browser, an access token, or the operator.' }),
      id: z.string().optional().meta({ description: 'Which session or token.' }),
    }),
    operation: z.string().meta({ description: 'The `operationId` of the route.' }),
    targets: z.record(z.string(), z.string()).meta({ description: 'Ids from the path; `made`: what the call has made.' }),
    outcome: z.enum(['done', 'refused', 'failed']).meta({ description: '`failed`: on our side; the change may be there all the same.' }),
    code: z.string().optional().meta({ description: 'The `code` of the problem that was answered.' }),
    requestId: z.string(),
    network: z.string().optional().meta({ description: 'The /24 or /48 it came from.' }),
  })
  .meta({ id: 'AuditEntry' });
type AuditEntryView = z.output<typeof AuditEntryView>;

export const AuditLogPage = z.object({ data: z.array(AuditEntryView), page: pageShape }).meta({ id: 'AuditLogPage' });
export type AuditLogPage = z.output<typeof AuditLogPage>;

export function auditLogPage({ entries, next }: AuditPage): AuditLogPage {
  return { data: entries.map(entryView), page: { next: next ?? null, hasMore: next !== undefined } };
}

function entryView({ at, actor, targets, ...entry }: AuditEntry): AuditEntryView {
  return { ...entry, at: at.toISOString(), actor: { ...actor }, targets: { ...targets } };
}
