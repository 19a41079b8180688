import type { DynamicSecretSpec } from '../api/dynamic-secret.ts';
import { OBJECT_METADATA_KEY } from '../api/names.ts';

export interface MetadataEntry {
  readonly key: string;
  readonly value: string;
}

/** What a spec declares, as the create request of the API has it; the inputs from Secrets are not among it. */
export interface Declared {
  readonly defaultTTL: string;
  readonly maxTTL?: string;
  readonly usernameTemplate?: string;
  readonly metadata: readonly MetadataEntry[];
  readonly provider: { readonly type: string; readonly inputs: Readonly<Record<string, unknown>> };
}

/** What the spec of the object with this uid declares. Whoever sends it adds the inputs that Secrets hold. */
export function declaredOf(spec: DynamicSecretSpec, uid: string): Declared {
  const { defaultTTL, maxTTL, usernameTemplate, provider } = spec;
  return {
    defaultTTL,
    ...(maxTTL === undefined ? {} : { maxTTL }),
    ...(usernameTemplate === undefined ? {} : { usernameTemplate }),
    metadata: metadataOf(spec, uid),
    provider: { type: provider.type, inputs: provider.inputs },
  };
}

/** The metadata of the spec, and the entry that says whose it is. */
export function metadataOf(spec: DynamicSecretSpec, uid: string): readonly MetadataEntry[] {
  return [...withoutMark(spec.metadata ?? []), { key: OBJECT_METADATA_KEY, value: uid }];
}

export function withoutMark(metadata: readonly MetadataEntry[]): readonly MetadataEntry[] {
  return metadata.filter(({ key }) => key !== OBJECT_METADATA_KEY);
}

/** The input that a source gives, or gives a part of: `auth` for `auth.password`. */
export function inputOf(source: { readonly input: string }): string {
  return source.input.split('.', 1)[0] ?? source.input;
}

/** The inputs that the spec names, itself or by Secret, sorted. */
export function inputNames({ provider, inputsFrom = [] }: DynamicSecretSpec): readonly string[] {
  const names = [...Object.keys(provider.inputs), ...inputsFrom.map(inputOf)];
  return [...new Set(names)].toSorted();
}
