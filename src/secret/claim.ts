import { ADOPT_ANNOTATION } from '../api/names.ts';
import { isOwnedBy, type SecretMetadata } from './ownership.ts';

/** An object that names a Secret of its namespace. */
export interface Claimant {
  readonly uid: string;
  readonly name: string;
  /** The name of the Secret; undefined where the spec cannot be read. */
  readonly secretName: string | undefined;
  /** The spec says that a Secret which offers itself is taken over. */
  readonly adopts: boolean;
  /** Its status says that it has had the Secret. */
  readonly had: boolean;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/**
 * Whether an object may write a Secret. `ours`: it is the object's. `free`: it may take it over. `foreign`: it is
 * somebody else's, and left as it is (I5).
 */
export type Claim = 'ours' | 'free' | 'foreign';

/**
 * Whose a Secret is to an object that names it. One that has an owner stays with it for as long as that one exists and
 * names it; one without is free to whom its annotation offers it.
 *
 * @param find the object of this uid in the Secret's namespace; undefined where there is none.
 */
export function claimOn(
  secret: SecretMetadata & { readonly name: string },
  claimant: Claimant,
  find: (uid: string) => Claimant | undefined,
): Claim {
  if (isOwnedBy(secret, claimant.uid)) return 'ours';
  if (secret.controller !== undefined) {
    const owner = find(secret.controller);
    // One that is gone takes its Secret with it: what is there is on its way.
    const hasLeft = owner?.secretName !== undefined && owner.secretName !== secret.name;
    return hasLeft ? 'free' : 'foreign';
  }
  const isOffered = secret.annotations[ADOPT_ANNOTATION] === claimant.name;
  return claimant.adopts && isOffered ? 'free' : 'foreign';
}

/** Who comes first to a Secret that nobody owns: who has had it, else the eldest. Undefined where nobody claims it. */
export function firstOf(claimants: readonly Claimant[]): Claimant | undefined {
  return claimants.toSorted(
    (one, other) =>
      Number(other.had) - Number(one.had) ||
      one.createdAt - other.createdAt ||
      (one.uid < other.uid ? -1 : 1),
  )[0];
}
