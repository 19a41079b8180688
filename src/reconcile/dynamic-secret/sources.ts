import type { AppliedSource, DynamicSecretSpec } from '../../api/dynamic-secret.ts';
import { fault, FaultError } from '../../errors.ts';
import type { SourcesView } from '../../dynamic-secret/input.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { backoff } from '../../lease/schedule.ts';
import type { DynamicSecretRecord } from '../ports.ts';
import type { DynamicSecretPass } from './context.ts';
import type { LookedSources } from './memory.ts';

type Sources = readonly AppliedSource[];

const none: SourcesView = { state: 'known', sources: [] };

/**
 * Which versions the Secrets of `spec.inputsFrom` have: their metadata, read by exact name when the spec is new, when a
 * Secret may have changed, and after a while where it could not be read. What they hold is not read here.
 */
export async function sourcesOf(pass: DynamicSecretPass, object: DynamicSecretRecord): Promise<SourcesView> {
  if (object.deletedAt !== undefined || namedSources(object).length === 0) return none;
  const before = lookOfToday(pass, object);
  const now = pass.clock.elapsed();
  if (before !== undefined && (before.lookAt === undefined || now < before.lookAt))
    return viewNow(before, now);
  const { suspicions } = pass.memory();
  const about = { generation: object.generation, suspicions };
  try {
    const view: SourcesView = { state: 'known', sources: await look(pass, object) };
    pass.remember({ sources: { ...about, view, lookAt: undefined, failed: 0 } });
    return view;
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    const failed = (before?.failed ?? 0) + 1;
    const again = backoff({ ...error.fault, count: failed }, pass.clock.random(), undefined, pass.timing);
    const view: SourcesView = { state: 'refused', fault: error.fault, again };
    pass.remember({ sources: { ...about, view, lookAt: now + again, failed } });
    return view;
  }
}

/** The last look, where neither the spec nor, as far as is known, a Secret has changed since. */
function lookOfToday(
  pass: DynamicSecretPass,
  { generation }: DynamicSecretRecord,
): LookedSources | undefined {
  const { sources, suspicions } = pass.memory();
  return sources?.generation === generation && sources.suspicions === suspicions ? sources : undefined;
}

function viewNow({ view, lookAt }: LookedSources, now: number): SourcesView {
  return view.state === 'known' || lookAt === undefined ? view : { ...view, again: lookAt - now };
}

function namedSources({ spec }: DynamicSecretRecord): NonNullable<DynamicSecretSpec['inputsFrom']> {
  return spec.valid ? (spec.value.inputsFrom ?? []) : [];
}

/** One read for each Secret, however many inputs come from it. */
async function look(pass: DynamicSecretPass, object: DynamicSecretRecord): Promise<Sources> {
  const found = new Map<string, Promise<Pick<AppliedSource, 'uid' | 'resourceVersion'>>>();
  return Promise.all(
    namedSources(object).map(async ({ input, secretKeyRef: { name, key } }, index) => {
      const version = found.get(name) ?? versionOf(pass, fieldOf(index), { name, key });
      found.set(name, version);
      return { input, name, key, ...(await version) };
    }),
  );
}

/** The field of a spec that names a source, for the sentence of a fault. */
export function fieldOf(index: number): string {
  return `spec.inputsFrom[${String(index)}]`;
}

async function versionOf(
  { cluster, namespace }: DynamicSecretPass,
  field: string,
  { name, key }: { readonly name: string; readonly key: string },
): Promise<Pick<AppliedSource, 'uid' | 'resourceVersion'>> {
  const details = { field, secret: name, key };
  try {
    const version = await cluster.readVersion(namespace, name);
    if (version !== undefined) return version;
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

/**
 * Takes the versions whose values were sent for the newest that are known: what changed between the look and the read of
 * the value is no other change.
 */
export function noteSent(pass: DynamicSecretPass, sent: Sources): void {
  const { sources } = pass.memory();
  if (sources?.view.state !== 'known') return;
  const newest = sources.view.sources.map((one) => sent.find(({ input }) => input === one.input) ?? one);
  pass.remember({ sources: { ...sources, view: { state: 'known', sources: newest } } });
}
