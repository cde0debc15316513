import { makeCounterProvider, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';

export const HTTP_REQUEST_DURATION = 'droppio_http_request_duration_seconds';
export const AUTH_REFUSED = 'droppio_creators_auth_refused_total';
export const AUDIT_LOST = 'droppio_creators_audit_lost_total';
export const ERASED_MESSAGES = 'droppio_creators_erased_messages_total';
export const PRUNED_ROWS = 'droppio_creators_pruned_rows_total';

export const UPLOADS = 'droppio_creators_uploads_total';
export const MEDIA_BYTES = 'droppio_creators_media_inflight_bytes';
export const EXPORTS = 'droppio_creators_exports_total';

export const metrics = [
  makeCounterProvider({
    name: UPLOADS,
    help: 'Images and sounds that were looked at, by how it ended: stored, known already, refused.',
    labelNames: ['kind', 'outcome'],
  }),
  makeGaugeProvider({ name: MEDIA_BYTES, help: 'Bytes of images and sounds that are on their way to pages.' }),
  makeCounterProvider({
    name: EXPORTS,
    help: 'Exports of tips that began to be sent, by how they ended: complete, cut by the client or a deadline, failed.',
    labelNames: ['outcome'],
  }),
  makeHistogramProvider({
    name: HTTP_REQUEST_DURATION,
    help: 'Time from the request to the end of its answer, by route template.',
    labelNames: ['method', 'route', 'status_class'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30],
  }),
  makeCounterProvider({
    name: AUTH_REFUSED,
    help: 'Requests refused for their credentials, by reason.',
    labelNames: ['reason'],
  }),
  makeCounterProvider({ name: AUDIT_LOST, help: 'Changes that stand although their entry in the audit log could not be written.' }),
  makeCounterProvider({
    name: ERASED_MESSAGES,
    help: 'Tips whose message was erased: too old, on demand, or again after a reorg.',
    labelNames: ['why'],
  }),
  makeCounterProvider({ name: PRUNED_ROWS, help: 'Rows that became too old to keep.', labelNames: ['what'] }),
];
