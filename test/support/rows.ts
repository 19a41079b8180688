import { fault } from '../../src/errors.ts';
import {
  absent,
  aFormerSecret,
  aLease,
  anOpenRequest,
  instant,
  aRecord,
  aReferringSpec,
  aRef,
  aSpec,
  ELAPSED,
  failures,
  foreign,
  inHand,
  invalidSpec,
  known,
  MINUTE,
  NOW,
  ourSecret,
  refused,
  valid,
  type InputParts,
  type OurSecret,
} from './builders.ts';

/** What makes one row of the table of decisions apply; the rows can be laid one over the other. */
export interface DecisionRow {
  /** The policy that decides where nothing else applies. */
  readonly policy: string;
  readonly over: (parts: InputParts) => InputParts;
}

/** The rows of the table, in its order; the last one ("all is well") needs nothing. */
export const decisionRows: readonly DecisionRow[] = [
  { policy: 'deliver what is in hand', over: (parts) => remembering(parts, { inHand: inHand() }) },
  { policy: 'settle the open request', over: (parts) => remembering(parts, { open: anOpenRequest() }) },
  {
    policy: 'a Secret out of view is looked for',
    over: (parts) => remembering({ ...parts, secret: absent }, { sought: false }),
  },
  {
    policy: 'nothing while suspended',
    over: (parts) => of(parts, { spec: valid(aSpec({ suspend: true })) }),
  },
  { policy: 'the spec must be in order', over: (parts) => of(parts, { spec: invalidSpec }) },
  {
    policy: 'what the spec targets must be there',
    over: (parts) => of({ ...parts, declared: [] }, { spec: valid(aReferringSpec()) }),
  },
  {
    policy: 'the Secret must be one that can be made',
    over: (parts) => of(parts, { spec: valid(aSpec({ secret: { data: { URL: '{% for' } } })) }),
  },
  { policy: 'the connection must be in order', over: (parts) => ({ ...parts, connection: refused() }) },
  {
    policy: 'the finalizer and the place come before the lease',
    over: (parts) => of(parts, { hasFinalizer: false }),
  },
  { policy: 'the Secret must be ours to write', over: (parts) => ({ ...parts, secret: foreign }) },
  { policy: 'back off after a fault', over: (parts) => remembering(parts, { failures: failures() }) },
  {
    policy: 'try the refused write dry',
    over: (parts) => remembering(parts, { blocked: fault('SecretConflict', { secret: 'orders-db' }) }),
  },
  {
    policy: 'a record needs a witness',
    over: (parts) => withSecret(parts, { record: aRecord({ lease: aRef({ id: 'unknown' }) }) }),
  },
  {
    policy: 'a Secret that somebody has written is looked at',
    over: (parts) => withSecret(parts, { data: 'unknown' }),
  },
  {
    policy: 'the record follows a lease whose end has moved',
    over: (parts) =>
      remembering(withSecret(parts, { data: 'intact' }), {
        sighted: new Map(
          ['lease-1', 'lease-2'].map((id) => [
            id,
            aLease(aRef({ id }), { expireAt: instant(2 * 60 * MINUTE) }),
          ]),
        ),
      }),
  },
  {
    policy: 'the status follows the record',
    over: (parts) =>
      remembering(withSecret(parts, { record: aRecord({ lease: aRef({ id: 'lease-2' }) }) }), {
        known: known(aRef({ id: 'lease-2' })),
      }),
  },
  {
    policy: 'there must be a live lease in the Secret',
    over: (parts) => remembering(parts, { settled: new Set(['lease-1', 'lease-2']) }),
  },
  {
    policy: 'the lease must be of what the spec targets',
    over: (parts) =>
      of(parts, { spec: valid(aSpec({ dynamicSecret: { ...aSpec().dynamicSecret, path: '/eu' } })) }),
  },
  {
    policy: 'the Secret must look as the spec says',
    over: (parts) => of(parts, { spec: valid(aSpec({ secret: { include: ['DB_USERNAME'] } })) }),
  },
  { policy: 'a new lease was asked for', over: (parts) => of(parts, { rotate: 'now' }) },
  {
    policy: 'a lease is replaced before its end',
    over: (parts) => ({ ...parts, now: { lease: NOW + 40 * MINUTE } }),
  },
  {
    policy: 'an edited Secret waits for its turn',
    over: (parts) => remembering(withSecret(parts, { data: 'edited' }), { healedAt: ELAPSED - MINUTE }),
  },
  {
    policy: 'labels and annotations follow the spec',
    over: (parts) => withSecret(parts, { dressed: false }),
  },
  {
    policy: 'a Secret by a former name goes with its lease',
    over: (parts) => ({
      ...parts,
      formers: [aFormerSecret({ lease: aRef({ id: 'long-gone', expireAt: instant(-MINUTE) }) })],
    }),
  },
];

function remembering(parts: InputParts, memory: NonNullable<InputParts['memory']>): InputParts {
  return { ...parts, memory: { ...parts.memory, ...memory } };
}

function of(parts: InputParts, object: NonNullable<InputParts['object']>): InputParts {
  return { ...parts, object: { ...parts.object, ...object } };
}

function withSecret(parts: InputParts, change: Partial<OurSecret>): InputParts {
  const before = parts.secret?.state === 'ours' ? parts.secret : undefined;
  return { ...parts, secret: ourSecret({ ...before, ...change }) };
}
