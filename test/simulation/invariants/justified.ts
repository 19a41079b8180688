import { OBJECT_METADATA_KEY } from '../../../src/api/names.ts';
import type { DynamicSecretChange } from '../../../src/infisical/dynamic-secrets.ts';
import type { DynamicSecretRecord } from '../../../src/reconcile/ports.ts';
import type { DeclaredRow } from '../declared/row.ts';
import type { World } from '../world.ts';

/**
 * What a request sends though the server has it, and the object's status says so: fields, inputs as `input host`. A request
 * whose answer was lost is sent again, because no status was written; nothing else is.
 */
export function unjustified(
  { kube }: World,
  { namespace, spec, status }: DynamicSecretRecord,
  { shown, inputs, touched }: DeclaredRow,
  change: DynamicSecretChange,
): readonly string[] {
  const { applied } = status;
  if (applied === undefined || !spec.valid) return [];
  // What became of an intent is not written yet, and nobody knows what one that was made by it was told.
  if (status.intent !== undefined || status.dynamicSecret?.id !== shown.id) return [];
  const { inputs: sent = {}, newName: _name, ...fields } = change;
  const current = (name: string, key: { uid: string; resourceVersion: string }): boolean => {
    const secret = kube.find('secrets', `${namespace}/${name}`)?.metadata;
    return secret?.uid === key.uid && secret.resourceVersion === key.resourceVersion;
  };
  const sources = new Set(
    (applied.sources ?? []).filter((one) => current(one.name, one)).map((one) => one.input),
  );
  const known = membersOf({ maxTTL: null, usernameTemplate: null, metadata: [], ...applied });
  const has = membersOf({ ...shown, metadata: shown.metadata ?? change.metadata });
  return [
    ...Object.entries(fields)
      .filter(([field, value]) => same(own(value), own(known[field])) && same(value, has[field]))
      .map(([field]) => field),
    ...Object.entries(sent)
      .filter(([input, value]) => same(value, inputs[input]))
      .filter(([input, value]) => sources.has(input) || same(value, applied.inputs[input]))
      .map(([input]) => `input ${input}`),
  ].filter((one) => !touched.has(one));
}

function membersOf(object: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(object));
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}

/** Metadata without our own mark. */
function own(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.filter((entry: unknown) => (entry as { key?: string }).key !== OBJECT_METADATA_KEY);
}
