import type { DynamicSecretIntent, DynamicSecretStatus } from '../../api/dynamic-secret.ts';
import type { Memory, SourcesView } from '../../dynamic-secret/input.ts';

/** What a look at the Secrets of `spec.inputsFrom` has shown. */
export interface LookedSources {
  readonly view: SourcesView;
  /** The generation of the spec that named them. */
  readonly generation: number;
  /** What {@link Remembered.suspicions} was when the look began. */
  readonly suspicions: number;
  /** Elapsed milliseconds of the next look, where this one failed. */
  readonly lookAt: number | undefined;
  /** Looks in a row that failed. */
  readonly failed: number;
}

/** What is known of the object's dynamic secret and not written into its status yet. An undefined part is taken away. */
export type Unwritten = {
  readonly [Part in 'place' | 'intent' | 'dynamicSecret' | 'applied']?: DynamicSecretStatus[Part] | undefined;
};

/** What is remembered of one object, and what only the executor needs. No value of a Secret is among it. */
export interface Remembered extends Memory {
  readonly sources: LookedSources | undefined;
  /** How often something that its sources are may have changed. */
  readonly suspicions: number;
  readonly unwritten: Unwritten;
  /** The intent that this process has written last. */
  readonly intended: DynamicSecretIntent | undefined;
  /** What has come of the requests that this process sent for it: surely nothing, or perhaps something. */
  readonly asked: 'nothing' | 'in vain' | 'perhaps';
  /** How often in a row the revocation of a lease has failed, by its id. */
  readonly revocationFailures: ReadonlyMap<string, number>;
  /** The object was let go: whatever a view that lags still shows of it, our part in it is over. */
  readonly released: boolean;
}

const blank: Remembered = Object.freeze({
  sighting: undefined,
  sightingOfNewName: undefined,
  listing: undefined,
  failures: undefined,
  doubtful: false,
  revocations: new Map(),
  sources: undefined,
  suspicions: 0,
  unwritten: Object.freeze({}),
  intended: undefined,
  asked: 'nothing',
  revocationFailures: new Map(),
  released: false,
});

/** The memory of this process: by the uid of the object, until it is gone. */
export interface DynamicSecretMemories {
  of(uid: string): Remembered;
  update(uid: string, change: Partial<Remembered>): void;
  /** Something that the sources of an object are may have changed: they are looked at anew. */
  suspect(uid: string): void;
  forget(uid: string): void;
  /** How many objects something is remembered of. */
  readonly size: number;
}

/** Makes {@link DynamicSecretMemories} of nothing. */
export function dynamicSecretMemories(): DynamicSecretMemories {
  const entries = new Map<string, Remembered>();
  const of = (uid: string): Remembered => entries.get(uid) ?? blank;
  const update = (uid: string, change: Partial<Remembered>): void =>
    void entries.set(uid, { ...of(uid), ...change });
  return {
    of,
    update,
    suspect: (uid) => update(uid, { suspicions: of(uid).suspicions + 1 }),
    forget: (uid) => void entries.delete(uid),
    get size() {
      return entries.size;
    },
  };
}
