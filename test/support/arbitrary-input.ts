import * as fc from 'fast-check';

import type { LeaseStatus, Unaccounted } from '../../src/api/dynamic-secret-lease.ts';
import type { LeaseRef, LeaseTag } from '../../src/api/lease.ts';
import type { SecretRecord } from '../../src/api/record.ts';
import { fault, type Fault } from '../../src/errors.ts';
import type {
  Attestation,
  ConnectionView,
  DecisionInput,
  Failures,
  Memory,
  ObjectView,
  FormerSecret,
  SecretView,
} from '../../src/lease/input.ts';
import type { Declaration } from '../../src/lease/target.ts';
import { formatInstant } from '../../src/instant.ts';
import { standardTiming } from '../../src/timing.ts';
import {
  absent,
  aDeclaration,
  aDynamicSecret,
  aKnownLease,
  aLease,
  INSTALL,
  anIdentity,
  anObject,
  anOpenRequest,
  aRecord,
  aReferringSpec,
  aRef,
  aSpec,
  ELAPSED,
  foreign,
  free,
  HOST,
  HOUR,
  inHand,
  instant,
  invalidSpec,
  MINUTE,
  NOW,
  ourSecret,
  refused,
  SECOND,
  targetIn,
  usable,
  valid,
  REVISION,
} from './builders.ts';

/** Inputs of every kind: consistent ones, and such as only a tenant's edit, a crash or a restored backup brings about. */

/** A value in `percent` of the cases, and otherwise none. */
function sometimes<Value>(percent: number, value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.oneof(
    { weight: percent, arbitrary: value },
    { weight: 100 - percent, arbitrary: fc.constant(undefined) },
  );
}

/** Around the present, with the moments at which something changes drawn often. */
const moment = fc.oneof(
  fc.constantFrom(-HOUR, -SECOND, -1, 0, 1, SECOND, MINUTE, HOUR),
  fc.integer({ min: -2 * HOUR, max: 2 * HOUR }),
);

/** What memory and status say of a lease is one and the same. */
const truths: readonly LeaseRef[] = [
  aRef({ id: 'a', expireAt: instant(-HOUR) }),
  aRef({ id: 'b', expireAt: instant(-SECOND) }),
  aRef({ id: 'c', expireAt: instant(SECOND), connection: anIdentity({ host: 'https://b.example' }) }),
  aRef({ id: 'd', expireAt: instant(MINUTE), path: '/eu' }),
  aRef({ id: 'e', expireAt: instant(HOUR) }),
  aRef({ id: 'f', expireAt: instant(2 * HOUR), path: '/eu' }),
  aRef({ id: 'g', expireAt: instant(HOUR), dynamicSecretId: 'dynamic-secret-id' }),
];
const ids = truths.map(({ id }) => id);
const someId = fc.constantFrom(...ids);
const someRef = fc.constantFrom(...truths);

/** A record may say anything of any lease: tenants can edit Secrets. */
const anyRef: fc.Arbitrary<LeaseRef> = fc.oneof(
  { weight: 3, arbitrary: someRef },
  {
    weight: 1,
    arbitrary: fc
      .tuple(someId, moment)
      .map(([id, end]) => aRef({ id, expireAt: instant(end), attempt: 'tampered', path: '/tampered' })),
  },
);

const someRecord: fc.Arbitrary<SecretRecord> = fc
  .record({
    lease: fc.oneof(anyRef, fc.constant(aRef({ id: 'e', expireAt: instant(HOUR) }))),
    previous: fc.array(anyRef, { maxLength: 3 }),
  })
  .map((parts) => aRecord(parts));

const someSecret: fc.Arbitrary<SecretView> = fc.oneof(
  fc.constant(absent),
  fc.constant(foreign),
  fc.constant(free),
  {
    weight: 8,
    arbitrary: fc
      .record({
        record: sometimes(90, someRecord),
        data: fc.constantFrom('intact', 'intact', 'intact', 'edited', 'unknown'),
        dressed: fc.boolean(),
        uid: fc.constantFrom('secret-uid', 'other-uid'),
      })
      .map((parts) => ourSecret(parts)),
  },
);

const someFormer: fc.Arbitrary<FormerSecret> = fc.record({
  name: fc.constantFrom('before', 'long-before'),
  uid: fc.constantFrom('former-uid', 'another-uid'),
  resourceVersion: fc.constant('3'),
  lease: sometimes(80, someRef),
});

const someFault: fc.Arbitrary<Fault> = fc.constantFrom(
  fault('ServerFailed', { host: HOST, status: 500, request: 'create a lease' }),
  fault('ConnectionNotFound', { kind: 'InfisicalConnection', name: 'infisical' }),
  fault('RateLimited', { host: HOST }, 30 * SECOND),
);

const someConnection: fc.Arbitrary<ConnectionView> = fc.oneof(
  { weight: 8, arbitrary: fc.constant(usable) },
  fc
    .record({ why: someFault, again: sometimes(50, fc.integer({ min: 1, max: HOUR })) })
    .map(({ why, again }) => refused(why, again)),
  someFault.map((why) => ({
    state: 'refused' as const,
    fault: why,
    again: undefined,
    identity: undefined,
    revision: '',
  })),
);

const someStatus: fc.Arbitrary<LeaseStatus> = fc
  .record({
    observedGeneration: fc.constantFrom(0, 1, 2),
    lease: sometimes(85, someRef),
    rotateAt: sometimes(70, moment.map(instant)),
    retiring: sometimes(
      50,
      fc.uniqueArray(fc.tuple(someRef, sometimes(50, moment.map(instant))), { selector: ([ref]) => ref.id }),
    ),
    attempts: sometimes(
      20,
      moment.map((at) => ({ count: 3, reason: 'ServerFailed', nextAt: instant(at) })),
    ),
    rotations: sometimes(50, fc.nat({ max: 9 })),
    unaccounted: sometimes(
      15,
      fc
        .tuple(moment, moment)
        .map(([last, until]) => ({ count: 2, lastAt: instant(last), until: instant(until) })),
    ),
  })
  .map(({ retiring, ...rest }) => {
    const entries = retiring?.map(([ref, revokeAfter]) =>
      revokeAfter === undefined ? ref : { ...ref, revokeAfter },
    );
    return withoutUndefined({ ...rest, retiring: entries });
  });

/** The DynamicSecret that specs refer to: as it should be, renamed, made anew, not made yet, being deleted, or not there. */
const someDeclarations: fc.Arbitrary<readonly Declaration[]> = fc.constantFrom(
  [aDeclaration()],
  [aDeclaration({}, { name: 'renamed' })],
  [aDeclaration({}, { id: 'another-id' })],
  [aDeclaration({ status: {} })],
  [aDeclaration({ deletedAt: NOW })],
  [],
);

const someSpec: fc.Arbitrary<ObjectView['spec']> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(invalidSpec) },
  {
    weight: 5,
    arbitrary: fc
      .record({
        path: fc.constantFrom('/', '/eu'),
        onDelete: fc.constantFrom(undefined, 'Revoke' as const, 'Expire' as const),
        timeout: fc.constantFrom(undefined, '1s', '1h'),
        onRotation: fc.constantFrom(undefined, 'Revoke' as const, 'Expire' as const),
        before: fc.constantFrom(undefined, '1%', '90%', '10m'),
        strategy: fc.constantFrom(undefined, 'Renew' as const),
        suspend: fc.constantFrom(undefined, false, false, true),
        refers: fc.constantFrom(false, false, true),
      })
      .map(({ path, before, strategy, suspend, refers, ...revocation }) => {
        const dynamicSecret = { ...aSpec().dynamicSecret, path };
        const named = refers ? aReferringSpec() : aSpec({ dynamicSecret });
        return valid({ ...named, revocation, rotation: { before, strategy }, suspend });
      }),
  },
);

export const someObject: fc.Arbitrary<ObjectView> = fc
  .record({
    generation: fc.constantFrom(1, 2),
    deletedAt: sometimes(
      25,
      moment.map((ms) => NOW + ms),
    ),
    hasFinalizer: sometimes(90, fc.constant(true)).map((there) => there ?? false),
    spec: someSpec,
    rotate: sometimes(20, fc.constantFrom('now', 'again')),
    status: someStatus,
  })
  .map((parts) => anObject(parts));

const someFailures: fc.Arbitrary<Failures> = fc
  .record({
    fault: someFault,
    count: fc.integer({ min: 1, max: 50 }),
    after: moment,
    generation: fc.constantFrom(1, 2),
    revision: fc.constantFrom(REVISION, 'another'),
  })
  .map(({ after, ...rest }) => ({ ...rest, nextAt: ELAPSED + after }));

const someAttestation: fc.Arbitrary<Attestation> = fc.oneof(
  fc.constantFrom<Attestation>({ verdict: 'unattested' }, { verdict: 'forged' }, { verdict: 'gone' }),
  moment.map((after) => ({ verdict: 'missing' as const, lookAt: ELAPSED + after })),
);

const someUnaccounted: fc.Arbitrary<Unaccounted> = fc
  .tuple(fc.integer({ min: 1, max: 3 }), moment, moment)
  .map(([count, last, until]) => ({ count, lastAt: instant(last), until: instant(until) }));

const someTag: fc.Arbitrary<LeaseTag | undefined> = sometimes(
  50,
  fc.record({
    install: fc.constantFrom(INSTALL, INSTALL, 'another'),
    object: fc.constantFrom('object-uid', 'object-uid', 'other-uid'),
    attempt: fc.constant('attempt'),
  }),
);

/** Servers lengthen leases; none ends earlier than it was said to. */
function laterEnd(ref: LeaseRef, later: number): string {
  return formatInstant(Date.parse(ref.expireAt) + Math.max(later, 0));
}

export const someMemory: fc.Arbitrary<Memory> = fc
  .record({
    inHand: sometimes(
      10,
      fc.tuple(someRef, moment).map(([ref, after]) => inHand(ref, ELAPSED + after)),
    ),
    open: sometimes(
      10,
      moment.map((after) => anOpenRequest({ lookAt: ELAPSED + after })),
    ),
    discarded: fc.array(someRef, { maxLength: 2 }),
    known: fc
      .array(someRef, { maxLength: 4 })
      .map((refs) => new Map(refs.map((ref) => [ref.id, aKnownLease(ref)]))),
    sighted: fc
      .array(fc.tuple(someRef, moment, someTag), { maxLength: 3 })
      .map(
        (seen) =>
          new Map(
            seen.map(([ref, later, tag]) => [ref.id, aLease(ref, { expireAt: laterEnd(ref, later), tag })]),
          ),
      ),
    dynamicSecret: sometimes(
      50,
      fc
        .constantFrom('sql-database', 'kubernetes')
        .map((type) => aDynamicSecret({ type, maxTTL: type === 'kubernetes' ? '1h' : null })),
    ),
    attestations: fc
      .array(fc.tuple(someId, someAttestation), { maxLength: 3 })
      .map((entries) => new Map(entries)),
    revocations: fc
      .array(
        fc.tuple(
          someId,
          fc.tuple(fc.integer({ min: 1, max: 9 }), moment).map(([attempts, after]) => ({
            attempts,
            nextAt: ELAPSED + after,
            reason: 'RevocationFailed' as const,
          })),
        ),
        { maxLength: 3 },
      )
      .map((entries) => new Map(entries)),
    settled: fc.subarray(ids, { maxLength: 2 }).map((some) => new Set(some)),
    failures: sometimes(10, someFailures),
    tried: fc.boolean(),
    looked: fc.boolean(),
    announced: fc.constant(undefined),
    blocked: sometimes(10, someFault),
    healedAt: sometimes(
      50,
      moment.map((after) => ELAPSED + after),
    ),
    lengthening: fc.subarray(ids, { maxLength: 2 }).map((some) => new Set(some)),
    unrenewable: fc.subarray(ids, { maxLength: 2 }).map((some) => new Set(some)),
    unaccounted: sometimes(10, someUnaccounted),
    accounted: sometimes(80, fc.constant(true)).map((is) => is ?? false),
    sought: sometimes(80, fc.constant(true)).map((is) => is ?? false),
    written: sometimes(50, fc.constant({ uid: 'secret-uid', resourceVersion: '8' })),
  })
  .map((memory) => memory);

/** Any input whose object exists. */
export const someInput: fc.Arbitrary<DecisionInput & { readonly object: ObjectView }> = fc
  .record({
    object: someObject,
    declared: someDeclarations,
    connection: someConnection,
    secret: someSecret,
    formers: fc.uniqueArray(someFormer, { maxLength: 2, selector: ({ name }) => name }),
    shape: fc.record({ fault: sometimes(5, someFault), mark: sometimes(5, fc.constant('mark')) }),
    memory: someMemory,
    now: fc.record({
      elapsed: fc.constant(ELAPSED),
      lease: sometimes(
        85,
        moment.map((ms) => NOW + ms),
      ),
      kube: moment.map((ms) => NOW + ms),
    }),
    unreachable: fc.subarray(ids, { maxLength: 2 }).map((some) => new Set(some)),
    install: fc.constant(INSTALL),
    nudgesPods: fc.boolean(),
    timing: fc.constant(standardTiming),
  })
  .map(({ declared, ...input }) => ({ ...input, target: targetIn(input.object.spec, ...declared) }));

/** Any input, also of an object that is gone. */
export const anyInput: fc.Arbitrary<DecisionInput> = fc.oneof(
  { weight: 9, arbitrary: someInput },
  { weight: 1, arbitrary: someInput.map((input) => ({ ...input, object: undefined })) },
);

function withoutUndefined<Value extends object>(value: Value): Value {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Value;
}
