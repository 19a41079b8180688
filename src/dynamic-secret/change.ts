import type { Applied, AppliedSource, DynamicSecretSpec } from '../api/dynamic-secret.ts';
import type { ListedDynamicSecret } from '../api/lease.ts';
import { inputNames, inputOf, metadataOf, type MetadataEntry } from './declared.ts';
import type { Change } from './plan.ts';
import { sameDuration, sameJson, sameMetadata } from './same.ts';

/** What an update sends, and whether the spec or only a Secret that it names has changed. */
export interface PendingChange {
  readonly change: Change;
  readonly why: 'declared' | 'source';
}

/** What is compared: the spec of the object with this uid, and the versions of its sources, as far as they are known. */
export interface Wanted {
  readonly spec: DynamicSecretSpec;
  readonly uid: string;
  readonly sources: readonly AppliedSource[];
}

/** Everything that is declared, for what is not known to have been told any of it. What is not declared is cleared. */
export function wholeChange({ spec, uid }: Pick<Wanted, 'spec' | 'uid'>): Change {
  return {
    inputs: inputNames(spec),
    defaultTTL: spec.defaultTTL,
    maxTTL: spec.maxTTL ?? null,
    metadata: metadataOf(spec, uid),
    usernameTemplate: spec.usernameTemplate ?? null,
  };
}

/** What differs between what the server was last told and what is declared; undefined where nothing does. */
export function pendingChange(applied: Applied | undefined, wanted: Wanted): PendingChange | undefined {
  if (applied === undefined) return { change: wholeChange(wanted), why: 'declared' };
  const fields = changedFields(applied, wanted);
  const inputs = changedInputs(applied, wanted.spec);
  const [turned, moved] = changedSources(applied, wanted);
  const declares = Object.keys(fields).length > 0 || inputs.length > 0 || moved.length > 0;
  if (!declares && turned.length === 0) return undefined;
  const names = new Set([...inputs, ...moved, ...turned]);
  const change = { ...fields, inputs: [...names].toSorted() };
  return { change, why: declares ? 'declared' : 'source' };
}

function changedFields(applied: Applied, { spec, uid }: Wanted): Omit<Change, 'inputs'> {
  const sameEntries = sameMetadata(applied.metadata ?? [], spec.metadata ?? []);
  return {
    ...(sameDuration(applied.defaultTTL, spec.defaultTTL) ? {} : { defaultTTL: spec.defaultTTL }),
    ...(sameDuration(applied.maxTTL, spec.maxTTL) ? {} : { maxTTL: spec.maxTTL ?? null }),
    ...(sameEntries ? {} : { metadata: metadataOf(spec, uid) }),
    ...(applied.usernameTemplate === spec.usernameTemplate
      ? {}
      : { usernameTemplate: spec.usernameTemplate ?? null }),
  };
}

function changedInputs({ inputs }: Applied, { provider }: DynamicSecretSpec): readonly string[] {
  const declared = Object.entries(provider.inputs);
  return declared.filter(([name, value]) => !sameJson(inputs[name], value)).map(([name]) => name);
}

/** The inputs whose Secret has another version, and those whose parts come from other Secrets or keys than before. */
function changedSources(
  applied: Applied,
  { spec, sources }: Wanted,
): readonly [turned: readonly string[], moved: readonly string[]] {
  const told = new Map((applied.sources ?? []).map((source) => [source.input, source]));
  const known = new Map(sources.map((source) => [source.input, source]));
  const asked = spec.inputsFrom ?? [];
  const names = new Set(asked.map(({ input }) => input));
  const moved = asked.filter(({ input, secretKeyRef }) => {
    const before = told.get(input);
    return before?.name !== secretKeyRef.name || before.key !== secretKeyRef.key;
  });
  const turned = asked.filter(({ input }) => !sameVersion(told.get(input), known.get(input)));
  // A part that is no longer from a Secret leaves with the next whole input, if there is such an input still.
  const left = [...told.values()].filter(({ input }) => !names.has(input));
  const declared = new Set(inputNames(spec));
  const remade = [...moved, ...left].map(inputOf).filter((input) => declared.has(input));
  return [turned.map(inputOf), remade];
}

/** What is not known is not another version, and neither is what was seen before that which was sent was read. */
function sameVersion(told: AppliedSource | undefined, now: AppliedSource | undefined): boolean {
  if (told === undefined || now === undefined) return true;
  return told.uid === now.uid && !isLater(now.resourceVersion, told.resourceVersion);
}

/** Whether a resource version comes after another. They are numbers; what is none is only the same or not. */
function isLater(version: string, than: string): boolean {
  const [one, other] = [version, than].map((text) => (/^[0-9]+$/.test(text) ? BigInt(text) : undefined));
  return one === undefined || other === undefined ? version !== than : one > other;
}

/**
 * What the server was told and the spec no longer names, sorted. An input cannot be cleared through the API, so that
 * it stays there, and in `status.applied`, as it was.
 */
export function droppedInputs(applied: Applied | undefined, spec: DynamicSecretSpec): readonly string[] {
  if (applied === undefined) return [];
  const told = [...Object.keys(applied.inputs), ...(applied.sources ?? []).map(inputOf)];
  const declared = new Set(inputNames(spec));
  return [...new Set(told)].filter((name) => !declared.has(name)).toSorted();
}

/**
 * What the server shows otherwise than it is declared; undefined where nothing is. What it does not show is not
 * compared, and inputs never are: they are not asked for.
 */
export function driftOf(
  shown: ListedDynamicSecret,
  { spec, uid }: Pick<Wanted, 'spec' | 'uid'>,
): Change | undefined {
  const drift = {
    ...(sameDuration(shown.defaultTTL, spec.defaultTTL) ? {} : { defaultTTL: spec.defaultTTL }),
    ...(sameDuration(shown.maxTTL, spec.maxTTL) ? {} : { maxTTL: spec.maxTTL ?? null }),
    ...metadataDrift(shown, metadataOf(spec, uid)),
    ...templateDrift(shown, spec.usernameTemplate ?? null),
  };
  return Object.keys(drift).length === 0 ? undefined : { inputs: [], ...drift };
}

function metadataDrift(
  { metadata }: ListedDynamicSecret,
  wanted: readonly MetadataEntry[],
): Pick<Change, 'metadata'> {
  return metadata === undefined || sameMetadata(metadata, wanted) ? {} : { metadata: wanted };
}

function templateDrift(
  { usernameTemplate }: ListedDynamicSecret,
  wanted: string | null,
): Pick<Change, 'usernameTemplate'> {
  const isSame = usernameTemplate === undefined || (usernameTemplate ?? '') === (wanted ?? '');
  return isSame ? {} : { usernameTemplate: wanted };
}
