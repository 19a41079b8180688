import { MOST_UNACCOUNTED } from '../../../src/lease/unaccounted.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import { commitOf, type ObjectState, objectsOf } from '../view.ts';
import type { World } from '../world.ts';

/** What was decided before something changed may still be done for so long, in milliseconds. */
const UNDER_WAY = 120_000;

/** What the Kubernetes API holds, gathered once for each of its versions. */
export class Ground {
  readonly world: World;
  /** Objects whose Secret a tenant has ever changed. */
  readonly meddled = new Set<string>();
  /** When somebody last changed the spec of an object, by uid. */
  readonly changed = new Map<string, number>();
  /** When somebody last gave the Secret of an object another name, by uid. */
  readonly renamed = new Map<string, number>();
  #version = '';
  #objects: readonly ObjectState[] = [];
  #named: ReadonlySet<string> = new Set();

  constructor(world: World) {
    this.world = world;
  }

  get objects(): readonly ObjectState[] {
    this.#gather();
    return this.#objects;
  }

  /** Ids of the leases that some status, or the record of some Secret with an owner, names. */
  get named(): ReadonlySet<string> {
    this.#gather();
    return this.#named;
  }

  /** Whether something is so new that a process may act by what was before. */
  isFresh(since: number | undefined): boolean {
    return since !== undefined && this.world.time.now < since + UNDER_WAY;
  }

  object(uid: string): ObjectState | undefined {
    return this.objects.find(({ lease }) => lease.uid === uid);
  }

  #gather(): void {
    const { kube } = this.world;
    if (this.#version === kube.version) return;
    this.#version = kube.version;
    this.#objects = objectsOf(kube);
    this.#named = new Set([...this.#objects.flatMap(namedByStatus), ...this.#namedByRecords()]);
  }

  #namedByRecords(): readonly string[] {
    return this.world.kube.list('secrets').flatMap((secret) => {
      const record = secret.metadata.ownerReferences === undefined ? undefined : commitOf(secret);
      return record === undefined ? [] : [record.lease.id, ...record.previous.map(({ id }) => id)];
    });
  }
}

/**
 * Whether an object must wait for the end of what two requests of unknown fate may have made: the design's answer where a
 * server keeps no tags.
 */
export function isHeldBack({ profile, leases, time }: World, { status }: LeaseRecord): boolean {
  const { unaccounted } = status;
  if (profile.tags === 'kept' || unaccounted === undefined) return false;
  return unaccounted.count >= MOST_UNACCOUNTED && leases.momentOf(unaccounted.until) > time.now - 2000;
}

function namedByStatus({ lease: { status } }: ObjectState): readonly string[] {
  const reported = status.lease === undefined ? [] : [status.lease.id];
  return [...reported, ...(status.retiring ?? []).map(({ id }) => id)];
}
