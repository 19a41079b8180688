import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { parse } from 'yaml';
import { z } from 'zod';

import { ApiClient, type ApiAnswer } from '../../../../sandbox/control-plane/api-client.ts';
import { startControlPlane, type ControlPlane } from '../../../../sandbox/control-plane/control-plane.ts';
import { kinds, type JsonObject } from '../../../../src/api/crd.ts';
import { API_VERSION } from '../../../../src/api/names.ts';

export const root = path.join(import.meta.dirname, '..', '..', '..', '..');

export type KindName = 'DynamicSecretLease' | 'DynamicSecret' | 'InfisicalConnection';

/** What the API server made of an object. */
export type Outcome =
  | { readonly accepted: true; readonly object: JsonObject }
  | { readonly accepted: false; readonly message: string; readonly causes: readonly Cause[] };

const cause = z.object({ field: z.string(), reason: z.string(), message: z.string() });

/** One fault of a refused object, with the field that it is about. */
export type Cause = z.infer<typeof cause>;

const refusal = z.object({
  message: z.string(),
  details: z.object({ causes: z.array(cause).default([]) }).default({ causes: [] }),
});

export interface CreateOptions {
  readonly name?: string;
  readonly status?: unknown;
  /** Default: nothing is stored. */
  readonly store?: boolean;
  /** What becomes of a field that the schema does not have. Default: it is dropped. */
  readonly unknownFields?: 'Strict' | 'Ignore';
}

/**
 * A control plane that knows our kinds, and its API spoken to directly: its answers name the fields of a refusal one by
 * one, and cost milliseconds.
 */
export interface ApiPlane extends AsyncDisposable {
  readonly plane: ControlPlane;
  create(kind: KindName, spec: unknown, options?: CreateOptions): Promise<Outcome>;
  /** An object as it is stored. */
  read(kind: KindName, name: string): Promise<JsonObject>;
  /** Runs kubectl as the admin; resolves with its words, whether it succeeds or not. */
  kubectl(args: readonly string[], input?: object): Promise<{ readonly ok: boolean; readonly said: string }>;
}

export async function startApiPlane(): Promise<ApiPlane> {
  await using stack = new AsyncDisposableStack();
  const plane = stack.use(await startControlPlane({ controllerManager: false }));
  const api = await clientOf(plane, plane.kubeconfig);
  stack.defer(() => api.close());
  const kubectl: ApiPlane['kubectl'] = async (args, input) => {
    const result = await plane.kubectlRun(args, input === undefined ? {} : { input: JSON.stringify(input) });
    return { ok: result.exitCode === 0, said: result.stdout + result.stderr };
  };
  await kubectl(['apply', '-f', path.join(root, 'crds')]);
  await kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
  const kept = stack.move();
  return {
    plane,
    kubectl,
    async create(kind, spec, { name = 'orders', status, store = false, unknownFields = 'Ignore' } = {}) {
      const query = `fieldValidation=${unknownFields}${store ? '' : '&dryRun=All'}`;
      const body = { apiVersion: API_VERSION, kind, metadata: { name }, spec, status };
      return outcomeOf(await api.send(`${collection(kind)}?${query}`, { method: 'POST', body }));
    },
    async read(kind, name) {
      const { body } = await api.send(`${collection(kind)}/${name}`);
      return object.parse(body);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const object = z.record(z.string(), z.unknown());

function outcomeOf({ status, body }: ApiAnswer): Outcome {
  if (status === 201) return { accepted: true, object: object.parse(body) };
  if (status !== 422 && status !== 400) {
    throw new Error(`kube-apiserver answered ${String(status)}: ${JSON.stringify(body)}`);
  }
  const { message, details } = refusal.parse(body);
  // The last cause of some refusals is about no field: that the rules wait until the types are right.
  return { accepted: false, message, causes: details.causes.filter(({ field }) => field !== '<nil>') };
}

function collection(kind: KindName): string {
  const plural = kinds.find((one) => one.kind === kind)?.plural;
  return `/apis/${API_VERSION}/namespaces/default/${String(plural)}`;
}

const kubeconfig = z.object({ users: z.tuple([z.object({ user: z.object({ token: z.string() }) })]) });

/** The API as the user of a kubeconfig of the control plane's. */
export async function clientOf(plane: ControlPlane, file: string): Promise<ApiClient> {
  const [text, ca] = await Promise.all([readFile(file, 'utf8'), readFile(plane.caFile, 'utf8')]);
  const [{ user }] = kubeconfig.parse(parse(text)).users;
  return new ApiClient(plane.server, ca, user.token);
}
