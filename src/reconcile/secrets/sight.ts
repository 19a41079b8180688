import { found, KubeError } from '../../kube/kube-error.ts';
import type { KubeResource, ObjectName } from '../../kube/resource.ts';

/** What a look at a Secret comes to. `hidden`: it exists, and may not be looked at. */
export type Seen =
  | { readonly state: 'there'; readonly raw: unknown }
  | { readonly state: 'absent' }
  | { readonly state: 'hidden' };

/** How a Secret is looked at. Both throw KubeError. */
export interface SecretSight {
  /** Its metadata alone. */
  metadata(secret: ObjectName): Promise<Seen>;
  /** With its data. */
  whole(secret: ObjectName): Promise<Seen>;
}

/** Looks by reading: needs the right to get Secrets. Nothing is hidden. */
export function sightByReading(type: KubeResource): SecretSight {
  return {
    metadata: (secret) => seen(type.get(secret, { metadataOnly: true })),
    whole: (secret) => seen(type.get(secret)),
  };
}

async function seen(asking: Promise<unknown>): Promise<Seen> {
  const raw = await found(asking);
  return raw === undefined ? { state: 'absent' } : { state: 'there', raw };
}

/**
 * Looks by a patch that changes nothing and is not stored: its answer is the object. Needs no right to read Secrets, and the
 * admission policy of strict mode answers it for those with our label alone.
 */
export function sightByTrying(type: KubeResource): SecretSight {
  const tried = async (secret: ObjectName, metadataOnly: boolean): Promise<Seen> => {
    try {
      return await seen(type.jsonPatch(secret, [], { dryRun: true, metadataOnly }));
    } catch (error) {
      if (isDenied(error)) return { state: 'hidden' };
      throw error;
    }
  };
  return {
    metadata: (secret) => tried(secret, true),
    whole: (secret) => tried(secret, false),
  };
}

/** A patch that changes nothing cannot be invalid: a policy has denied it. A missing right is a 403. */
function isDenied(error: unknown): boolean {
  return error instanceof KubeError && error.status === 422;
}
