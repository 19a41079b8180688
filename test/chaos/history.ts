import { z } from 'zod';

import type { LeaseRecord } from '../../src/reconcile/ports.ts';
import { leaseRecord } from '../../src/reconcile/records.ts';
import { secretView, type SecretView } from '../support/secret-view.ts';
import { isReady } from '../support/stage.ts';
import type { Login, Span } from './dead.ts';
import type { Sighting } from './watch.ts';

/** One lease object, from its creation to its end, and what its Secret held. Instants: wall clock, milliseconds. */
export interface Life {
  /** `namespace/name`, also that of its Secret. */
  readonly key: string;
  readonly uid: string;
  /** As it was seen last. */
  lease: LeaseRecord;
  secret: SecretView | undefined;
  readyFrom: number | undefined;
  deletedAt: number | undefined;
  goneAt: number | undefined;
  /** From when on the Secret named which lease; undefined: there was none. */
  readonly held: { readonly from: number; readonly lease: string | undefined }[];
  readonly logins: Login[];
  readonly excused: Span[];
  lastActAt: number;
}

/** What the API server said of all objects and Secrets, as it came. */
export interface History {
  readonly onLease: (sighting: Sighting) => void;
  readonly onSecret: (sighting: Sighting) => void;
  /** All that there ever were. */
  readonly lives: readonly Life[];
  /** Those that are not gone. */
  present(): readonly Life[];
  /** How often a Secret has gone from one lease to another. */
  rotations(): number;
  /** Every lease that a status, a Secret's record or a list of retiring leases names now. */
  named(): ReadonlySet<string>;
}

const keyed = z.object({ metadata: z.object({ namespace: z.string(), name: z.string() }) });

export function startHistory(): History {
  const lives: Life[] = [];
  const current = new Map<string, Life>();
  let rotations = 0;

  function lifeOf(lease: LeaseRecord): Life {
    const known = current.get(lease.key);
    if (known?.uid === lease.uid) return known;
    const life: Life = {
      key: lease.key,
      uid: lease.uid,
      lease,
      secret: undefined,
      readyFrom: undefined,
      deletedAt: undefined,
      goneAt: undefined,
      held: [],
      logins: [],
      excused: [],
      lastActAt: 0,
    };
    current.set(lease.key, life);
    lives.push(life);
    return life;
  }

  return {
    onLease({ type, object }) {
      const lease = leaseRecord(object);
      const life = lifeOf(lease);
      life.lease = lease;
      if (lease.deletedAt !== undefined) life.deletedAt ??= Date.now();
      else if (isReady(lease)) life.readyFrom ??= Date.now();
      if (type === 'DELETED') life.goneAt = Date.now();
    },
    onSecret({ type, object }) {
      const { namespace, name } = keyed.parse(object).metadata;
      const life = current.get(`${namespace}/${name}`);
      if (life === undefined) return;
      const before = life.secret?.lease;
      life.secret = type === 'DELETED' ? undefined : secretView(object);
      const lease = life.secret?.lease;
      if (before !== undefined && lease !== undefined && lease !== before) rotations += 1;
      if (life.held.length === 0 || lease !== before) life.held.push({ from: Date.now(), lease });
    },
    lives,
    present: () => lives.filter(({ goneAt }) => goneAt === undefined),
    rotations: () => rotations,
    named: () => new Set(lives.filter(({ goneAt }) => goneAt === undefined).flatMap(namedBy)),
  };
}

function namedBy({ lease: { status }, secret }: Life): readonly string[] {
  return [
    ...(status.lease === undefined ? [] : [status.lease.id]),
    ...(status.retiring ?? []).map(({ id }) => id),
    ...(secret?.lease === undefined ? [] : [secret.lease, ...secret.previous]),
  ];
}
