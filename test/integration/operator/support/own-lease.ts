import { RECORD_ANNOTATION } from '../../../../src/api/names.ts';
import { parseRecord, type SecretRecord } from '../../../../src/api/record.ts';
import { leaseManifest, type SecretSeed, type Stage } from '../../../support/stage.ts';

type Spec = Readonly<Record<string, unknown>>;

/**
 * A rotation soon and an end much later, with waits at a twentieth: a lease of this life (milliseconds) under this
 * rotation is used for 2.4 to 4.8 s, and what goes wrong then has 19 s to be mended.
 */
export const EARLY_ROTATION = { life: 24_000, spec: { rotation: { before: '80%' } } } as const;

/** The same where something has to happen before the rotation: used for 9 to 15 s, and 45 s are left then. */
export const LATER_ROTATION = { life: 60_000, spec: { rotation: { before: '75%' } } } as const;

/** A lease object and the dynamic secret of the same name that it leases from: what tests on one stage do not share. */
export interface OwnLease {
  readonly name: string;
  readonly dynamicSecretId: string;
  /** The object with these parts of its spec: for tests that apply many at once, where a process for each takes long. */
  manifest(spec?: Spec, metadata?: Spec): object;
  /** Applies the object with these parts of its spec instead of those that it had. */
  apply(spec?: Spec, metadata?: Spec): Promise<void>;
  /** What happened to the leases of the dynamic secret, in order: `made`, `revoked`, `expired`… */
  events(): Promise<readonly string[]>;
  /** The ids of the leases that live on the server, oldest first. */
  live(): Promise<readonly string[]>;
  /** The lease that the Secret names. */
  record(): Promise<SecretRecord | undefined>;
  /** Milliseconds that the next lease lives; null: as its TTL says. */
  liveFor(milliseconds: number | null): Promise<void>;
}

/** What must be there. @throws Error when it is not. */
export function defined<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('What a test needs is not there.');
  return value;
}

/** Makes the dynamic secret. The object is the caller's to apply. */
export async function ownLease(stage: Stage, name: string, seed: SecretSeed = {}): Promise<OwnLease> {
  const dynamicSecretId = await stage.seed(name, seed);
  const dynamicSecret = { name, projectSlug: 'shop', environmentSlug: 'prod' };
  const manifest: OwnLease['manifest'] = (spec, metadata) =>
    leaseManifest(name, { dynamicSecret, ...spec }, metadata);
  return {
    name,
    dynamicSecretId,
    manifest,
    apply: (spec, metadata) => stage.apply(manifest(spec, metadata)),
    events: async () => (await stage.ledger(name)).map(({ event }) => event),
    live: async () =>
      (await stage.api.live()).leases
        .filter((lease) => lease.dynamicSecretId === dynamicSecretId)
        .map(({ leaseId }) => leaseId),
    record: async () =>
      parseRecord((await stage.secretObject(name))?.metadata.annotations[RECORD_ANNOTATION]),
    liveFor: async (lifeOverride) =>
      void (await stage.api.overrideDynamicSecret({ dynamicSecretId, lifeOverride })),
  };
}
