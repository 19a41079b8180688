import type {
  Applied,
  AppliedSource,
  DynamicSecretSpec,
  DynamicSecretStatus,
} from '../api/dynamic-secret.ts';
import type { ConnectionIdentity, DynamicSecret, Target } from '../api/lease.ts';
import { wholeChange } from './change.ts';
import { inputOf } from './declared.ts';
import type { DecisionInput } from './input.ts';
import type { Brought, Change } from './plan.ts';

/** What the status says of the dynamic secret itself. */
type Known = Pick<DynamicSecretStatus, 'place' | 'intent' | 'applied' | 'dynamicSecret'>;

/** What is known once a step has brought what it brought; what the step has nothing to say of stays. */
export function known({ object, connection }: DecisionInput, brought: Brought | undefined): Known {
  const { place, intent, applied, dynamicSecret } = object.status;
  const before = { place, intent, applied, dynamicSecret };
  const spec = object.spec.valid ? object.spec.value : undefined;
  switch (brought?.did) {
    case undefined:
      return tidy(before);
    case 'intended':
      return tidy({ ...before, intent: brought.intent });
    case 'lost':
      return {};
    case 'removed':
      return tidy({ ...before, dynamicSecret: mirrored(brought.dynamicSecret) });
    case 'acknowledged':
      return tidy({ ...acknowledged(before), place: placed(brought.target, connection.identity) });
    case 'created':
    case 'updated':
      return tidy(
        spec === undefined ? before : changed(before, brought, { spec, uid: object.uid, connection }),
      );
  }
}

/**
 * Found to be ours after a lost answer. What a creation told the server is not known any more, for the spec may have
 * changed since: all of it is told again. A rename leaves what was told as it is.
 */
function acknowledged(before: Known): Known {
  const isRename = before.place !== undefined && before.intent?.kind !== 'Create';
  return isRename ? { applied: before.applied, dynamicSecret: before.dynamicSecret } : {};
}

interface Present {
  readonly spec: DynamicSecretSpec;
  readonly uid: string;
  readonly connection: DecisionInput['connection'];
}

function changed(
  before: Known,
  brought: Brought & { readonly did: 'created' | 'updated' },
  { spec, uid, connection }: Present,
): Known {
  const { target, dynamicSecret, sources } = brought;
  const creates = brought.did === 'created';
  const change = creates ? wholeChange({ spec, uid }) : brought.change;
  const name = change.newName ?? target.dynamicSecret;
  const arrives = creates || change.newName !== undefined || before.place === undefined;
  return {
    place: placed({ ...target, dynamicSecret: name }, connection.identity),
    intent: arrives ? undefined : before.intent,
    applied: appliedAfter(creates ? undefined : before.applied, { spec, change, sources }),
    dynamicSecret: mirrored(dynamicSecret),
  };
}

/** A change that the server took. */
interface Told {
  readonly spec: DynamicSecretSpec;
  readonly change: Change;
  readonly sources: readonly AppliedSource[];
}

/** What the server was told, after a change. */
function appliedAfter(before: Applied | undefined, told: Told): Applied | undefined {
  const { spec, change } = told;
  if (before === undefined && change.defaultTTL === undefined) return undefined;
  const base = before ?? { defaultTTL: spec.defaultTTL, inputs: {} };
  return tidy({
    defaultTTL: change.defaultTTL ?? base.defaultTTL,
    maxTTL: change.maxTTL === undefined ? base.maxTTL : spec.maxTTL,
    usernameTemplate: change.usernameTemplate === undefined ? base.usernameTemplate : spec.usernameTemplate,
    metadata: change.metadata === undefined ? base.metadata : spec.metadata,
    ...inputsAfter(base, told),
  });
}

/** An input that was sent is as the spec and its Secrets have it now; any other is as it was. */
function inputsAfter(before: Applied, { spec, change, sources }: Told): Pick<Applied, 'inputs' | 'sources'> {
  const sent = new Set(change.inputs);
  const kept = Object.entries(before.inputs).filter(([name]) => !sent.has(name));
  const fresh = Object.entries(spec.provider.inputs).filter(([name]) => sent.has(name));
  const read = [
    ...(before.sources ?? []).filter((source) => !sent.has(inputOf(source))),
    ...sources.filter((source) => sent.has(inputOf(source))),
  ];
  return {
    inputs: Object.fromEntries([...kept, ...fresh]),
    ...(read.length === 0 ? {} : { sources: read }),
  };
}

function placed(target: Target, connection: ConnectionIdentity | undefined): Known['place'] {
  const { projectSlug, environmentSlug, path, dynamicSecret: name } = target;
  return connection && { connection, projectSlug, environmentSlug, path, name };
}

/** A dynamic secret of the server as the status shows it. */
export function mirrored(shown: DynamicSecret): NonNullable<DynamicSecretStatus['dynamicSecret']> {
  const { id, name, type, version, defaultTTL } = shown;
  return tidy({
    id,
    name,
    type,
    version,
    defaultTTL,
    maxTTL: shown.maxTTL ?? undefined,
    status: shown.status ?? undefined,
    statusDetails: shown.statusDetails ?? undefined,
  });
}

/** The same object without the keys whose value is undefined: JSON has none. */
export function tidy<Value extends object>(
  value: Value,
): { [Key in keyof Value]: Exclude<Value[Key], undefined> } {
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof Value]: Exclude<Value[Key], undefined> };
}
