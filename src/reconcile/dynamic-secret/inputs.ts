import type { AppliedSource, DynamicSecretSpec } from '../../api/dynamic-secret.ts';
import { inputOf } from '../../dynamic-secret/declared.ts';
import { fault, FaultError } from '../../errors.ts';
import { KubeError } from '../../kube/kube-error.ts';
import type { Credential } from '../ports.ts';
import type { DynamicSecretPass } from './context.ts';
import { fieldOf } from './sources.ts';

type Inputs = Readonly<Record<string, unknown>>;

/** Inputs as they are sent, and which versions of Secrets are among them. They live as long as the one request. */
export interface ReadInputs {
  readonly inputs: Inputs;
  readonly sources: readonly AppliedSource[];
}

/**
 * The inputs of these names, each whole: what the spec has of it, and what Secrets add to it, read now.
 *
 * @throws FaultError that names the field, the Secret and the key.
 */
export async function readInputs(
  pass: Pick<DynamicSecretPass, 'cluster' | 'namespace'>,
  { provider, inputsFrom = [] }: DynamicSecretSpec,
  names: readonly string[],
): Promise<ReadInputs> {
  const wanted = new Set(names);
  const asked = inputsFrom.flatMap((source, index) =>
    wanted.has(inputOf(source)) ? [{ ...source, field: fieldOf(index) }] : [],
  );
  const read = await Promise.all(
    asked.map(async ({ input, secretKeyRef, field }) => ({
      input,
      ...secretKeyRef,
      ...(await readSource(pass, field, secretKeyRef)),
    })),
  );
  const declared = Object.entries(provider.inputs).filter(([name]) => wanted.has(name));
  const inputs = read.reduce<Inputs>(
    (before, { input, value }) => withPart(before, input.split('.'), value),
    Object.fromEntries(declared),
  );
  const sources = read.map(({ value: _value, ...source }) => source);
  return { inputs, sources };
}

/** The same with a value at a path; what is not on the path stays as it is. */
function withPart(before: Inputs, [name = '', ...rest]: readonly string[], value: string): Inputs {
  const own = Object.hasOwn(before, name) ? before[name] : undefined;
  const part = rest.length === 0 ? value : withPart(isObject(own) ? own : {}, rest, value);
  // fromEntries defines keys rather than assigning them.
  return Object.fromEntries([...Object.entries(before).filter(([key]) => key !== name), [name, part]]);
}

function isObject(value: unknown): value is Inputs {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One read gives value and version: what is recorded as sent is what was sent. */
async function readSource(
  { cluster, namespace }: Pick<DynamicSecretPass, 'cluster' | 'namespace'>,
  field: string,
  secretKeyRef: { readonly name: string; readonly key: string },
): Promise<Credential> {
  const details = { field, secret: secretKeyRef.name, key: secretKeyRef.key };
  try {
    const credential = await cluster.readCredential(namespace, { secretKeyRef });
    if (credential !== undefined) return credential;
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    const raised =
      error.status === 403
        ? fault('CredentialForbidden', details)
        : fault('KubernetesUnavailable', { request: 'read a Secret' }, error.retryAfter);
    throw new FaultError(raised, { cause: error });
  }
  throw new FaultError(fault('CredentialNotFound', details));
}
