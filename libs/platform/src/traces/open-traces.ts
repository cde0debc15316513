import type { PlatformSettings } from '../env.js';
import { NO_TRACES, type Traces } from './traces.js';

/** Loads the library only where traces are wanted: it is a few megabytes of every process. */
export async function openTraces(service: string, settings: PlatformSettings): Promise<Traces> {
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url, OTEL_TRACES_SAMPLER_ARG: ratio = 1, INSTANCE_ID: instance } = settings;
  if (url === undefined) return NO_TRACES;
  const { OtlpTraces } = await import('./otlp-traces.js');
  return new OtlpTraces({ url, ratio, service, instance, version: settings.BUILD_VERSION ?? 'unknown' });
}
