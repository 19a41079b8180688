import { commitOf, type ObjectState, objectsOf } from '../view.ts';
import type { World } from '../world.ts';

/** What the Kubernetes API holds, gathered once for each of its versions. */
export class Ground {
  readonly world: World;
  /** Objects whose Secret a tenant has ever changed. */
  readonly meddled = new Set<string>();
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

function namedByStatus({ lease: { status } }: ObjectState): readonly string[] {
  const reported = status.lease === undefined ? [] : [status.lease.id];
  return [...reported, ...(status.retiring ?? []).map(({ id }) => id)];
}
