import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import * as z from 'zod';
import { BackendTrafficPolicy, ClientTrafficPolicy, EnvoyProxy } from './envoy-gateway.js';
import type { Manifest } from './render.js';
import { ScaledObject } from './scaling.js';

/** Of API groups that are no part of Kubernetes itself. */
const PACKAGES: Readonly<Record<string, string>> = {
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
  'traefik.io': '@kubernetes-models/traefik',
};

/** The module that describes a kind; `undefined` when nobody does. */
function modelOf(modelsDir: string, { apiVersion, kind }: Manifest): string | undefined {
  const [group = ''] = apiVersion.split('/');
  // Kubernetes' own groups carry their domain from some age on.
  const path = `${PACKAGES[group] ?? 'kubernetes-models'}/${apiVersion}/${kind}`;
  return existsSync(join(modelsDir, `${path}.js`)) ? path : undefined;
}

/**
 * What a strict API server would refuse, a sentence each: an unknown kind, an unknown field, a missing one, a value of the wrong type, range
 * or form. The types of the API are generated from its own OpenAPI description; the compiler finds the unknown fields, the validators the rest.
 */
export async function refusals(modelsDir: string, objects: readonly Manifest[]): Promise<string[]> {
  const known = objects.map((object) => ({ object, model: modelOf(modelsDir, object) }));
  const typed = known.flatMap(({ object, model }) => (model === undefined ? [] : [{ object, model }]));
  const others = known.flatMap(({ object, model }) => (model === undefined ? judgedHere(object) : []));
  return [...others, ...misfits(modelsDir, typed), ...(await invalid(modelsDir, typed))];
}

const nameOf = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.name}`;

/** The types in npm are older than KEDA's fallback behaviours, and of Envoy Gateway there are none. */
const JUDGED_HERE: Readonly<Record<string, z.ZodType>> = { ScaledObject, BackendTrafficPolicy, ClientTrafficPolicy, EnvoyProxy };

function judgedHere(object: Manifest): string[] {
  const judge = JUDGED_HERE[object.kind];
  if (judge === undefined) return [`${nameOf(object)}: nobody knows ${object.apiVersion} ${object.kind}.`];
  const { error } = judge.safeParse(object);
  return error === undefined ? [] : [`${nameOf(object)}: ${z.prettifyError(error)}`];
}

interface Typed {
  readonly object: Manifest;
  readonly model: string;
}

/** One variable per object with the type of its kind, given to the compiler. */
function misfits(modelsDir: string, typed: readonly Typed[]): string[] {
  const lines = typed.map(({ object, model }) => `{ const it: import('${model}').I${object.kind} = ${JSON.stringify(object)}; void it; }`);
  const file = join(modelsDir, '../objects.ts');
  const options: ts.CompilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const host = ts.createCompilerHost(options);
  const readSource = host.getSourceFile.bind(host);
  host.getSourceFile = (name, language) =>
    name === file ? ts.createSourceFile(file, lines.join('\n'), language) : readSource(name, language);
  const program = ts.createProgram([file], options, host);
  return ts.getPreEmitDiagnostics(program, program.getSourceFile(file)).map(({ start = 0, messageText, file: where }) => {
    const object = typed[where?.getLineAndCharacterOfPosition(start).line ?? -1]?.object;
    const name = object === undefined ? 'the check itself' : nameOf(object);
    return `${name}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

/** A class of `kubernetes-models`. */
const Model = z.custom<new (data: unknown) => { validate(): void }>((value) => typeof value === 'function');

async function invalid(modelsDir: string, typed: readonly Typed[]): Promise<string[]> {
  const faults: string[] = [];
  for (const { object, model } of typed) {
    const module: unknown = await import(/* @vite-ignore */ pathToFileURL(join(modelsDir, `${model}.js`)).href);
    const { [object.kind]: Kind } = z.record(z.string(), Model).parse(module);
    if (Kind === undefined) throw new TypeError(`${model} has no ${object.kind}.`);
    try {
      new Kind(object).validate();
    } catch (error) {
      faults.push(`${nameOf(object)}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return faults;
}
