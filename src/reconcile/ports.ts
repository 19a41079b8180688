import type { Grant } from '../api/cluster-connection.ts';
import type { ConnectionSpec, ConnectionStatus } from '../api/infisical-connection.ts';
import type { ConnectionKind, Target } from '../api/lease.ts';
import type { KeyRef, SecretSource } from '../api/object.ts';
import type { LabelSelector } from '../api/label-selector.ts';
import type { WorkloadKind } from '../api/restart.ts';
import type { Shard } from '../api/shard.ts';
import type { Fault } from '../errors.ts';
import type { DynamicSecretView } from '../dynamic-secret/input.ts';
import type { ObjectView } from '../lease/input.ts';
import type { Pod } from '../nudge/plan.ts';
import type { Workload } from '../restart/plan.ts';
import type { PatchOperation } from '../secret/manifest.ts';
import type { SecretMetadata } from '../secret/ownership.ts';

/**
 * The Kubernetes side as the reconcilers see it: small records from a watch, live looks, guarded writes. Every method
 * that talks to the API server throws KubeError. Its other side is `LeaseClient` of infisical/.
 */
export interface Cluster {
  /** Milliseconds since 1970 by the API server's clock. */
  now(): number;
  readonly leases: LeaseResource;
  /** Of both kinds: a cluster connection's key is its name alone, and its namespace is the empty one. */
  readonly connections: Resource<ConnectionRecord>;
  readonly dynamicSecrets: DynamicSecretResource;
  readonly secrets: SecretResource;
  readonly workloads: WorkloadResource;
  /** Undefined where the operator nudges no pods. */
  readonly pods: PodResource | undefined;
  /** Whether there are cluster connections: not where the operator looks after some namespaces only. */
  readonly scope: 'cluster' | 'namespaces';
  /** The shard whose leases, dynamic secrets and Secrets are seen here. Connections are seen by all shards. */
  readonly shard: Shard;
  /** The labels of a namespace, as last seen. Undefined where they are not known. */
  labelsOf(namespace: string): Readonly<Record<string, string>> | undefined;
  /** Whether a namespace is being deleted. Undefined where that is not known. */
  isEnding(namespace: string): boolean | undefined;
  /** Reads one key of a Secret by its exact name. Undefined where the Secret or the key does not exist or is empty. */
  readCredential(namespace: string, source: SecretSource): Promise<Credential | undefined>;
  /** Which state a Secret is in, by its exact name. Undefined where it does not exist. */
  readVersion(namespace: string, name: string): Promise<Precondition | undefined>;
  /** The same of a ConfigMap as `readCredential`. */
  readConfigMap(namespace: string, key: KeyRef): Promise<string | undefined>;
  /** Has a token made of a service account, as it is asked for. Undefined where the account does not exist. */
  requestToken(namespace: string, name: string, request: TokenRequest): Promise<string | undefined>;
}

/** What one key of a Secret holds, and which state of the Secret that was: one read gives both. */
export interface Credential {
  readonly value: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** What a token of a service account is to be good for. */
export interface TokenRequest {
  /** Undefined: the Kubernetes API itself. */
  readonly audience: string | undefined;
  /** At least 600: the API makes none shorter. */
  readonly seconds: number;
}

export interface LeaseResource extends Resource<LeaseRecord> {
  /** The objects of any namespace that name a connection, or whose leases were made through it. */
  usersOf(connection: Pick<ConnectionRecord, 'key' | 'uid'>): readonly LeaseRecord[];
  /** The objects that refer to a DynamicSecret, by its key. */
  ofDynamicSecret(key: string): readonly LeaseRecord[];
  /** The objects that name a Secret, by its key. */
  ofSecret(key: string): readonly LeaseRecord[];
}

export interface DynamicSecretResource extends Resource<DynamicSecretRecord> {
  /** The objects of any namespace that name a connection, or whose dynamic secret was made through it. */
  usersOf(connection: Pick<ConnectionRecord, 'key' | 'uid'>): readonly DynamicSecretRecord[];
  /** The objects of any namespace whose status says that they have this one. */
  holdersOf(host: string, target: Target): readonly DynamicSecretRecord[];
}

/** Custom resources of one kind. */
export interface Resource<Record> {
  /** As last seen by the watch or in the answer to an own write. */
  get(key: string): Record | undefined;
  inNamespace(namespace: string): readonly Record[];
  /** The object as it is now, whatever shard it is of. Undefined where it does not exist. */
  look(key: string): Promise<Record | undefined>;
  /** A merge patch. Guarded when it names `metadata.resourceVersion`. */
  patch(key: string, body: unknown): Promise<Record>;
  patchStatus(key: string, body: unknown): Promise<Record>;
}

/**
 * Secrets, as metadata. Data is only ever written. In strict mode one that does not carry our label cannot be looked at: of
 * such a Secret its name is known and nothing else, and it is nobody's.
 */
export interface SecretResource {
  /** A Secret that carries our labels, as last seen. */
  get(key: string): SecretRecord | undefined;
  /** The Secrets with our labels that an object owns, by its uid, as last seen. */
  ownedBy(uid: string): readonly SecretRecord[];
  /** The metadata of a Secret, whoever it belongs to. Undefined where it does not exist. */
  look(key: string): Promise<SecretRecord | undefined>;
  /**
   * Reads a Secret of ours with its data, and keeps the data's digest alone. Undefined where it does not exist, or may not
   * be looked at any more.
   */
  inspect(key: string): Promise<InspectedSecret | undefined>;
  create(key: string, body: unknown, options?: WriteOptions): Promise<SecretRecord>;
  change(key: string, operations: readonly PatchOperation[], options?: WriteOptions): Promise<SecretRecord>;
  /** Resolves too when it is gone already, or kept by somebody's finalizer and on its way. */
  delete(key: string, expected: Precondition): Promise<void>;
}

/** Workloads that are restarted: looked at when one is due, and never watched. */
export interface WorkloadResource {
  /** Undefined where it does not exist, or its kind. */
  look(kind: WorkloadKind, namespace: string, name: string): Promise<WorkloadRecord | undefined>;
  /** None where the kind does not exist. */
  list(kind: WorkloadKind, namespace: string, selector: LabelSelector): Promise<readonly WorkloadRecord[]>;
  /** Sets annotations of the pod template, of the workload in the state that was seen. */
  annotate(workload: WorkloadRecord, annotations: Readonly<Record<string, string>>): Promise<WorkloadRecord>;
}

export interface WorkloadRecord extends Workload {
  readonly namespace: string;
  readonly resourceVersion: string;
}

/** Pods, as far as they can be nudged. */
export interface PodResource {
  /**
   * Whether the pods of a namespace have been seen: `full`, they have; `none`, not yet; `forbidden`, the rights do not
   * allow it.
   */
  knowledgeOf(namespace: string): 'full' | 'none' | 'forbidden';
  /** The pods of a namespace that mount a Secret, by its name, as last seen. */
  mounting(namespace: string, secret: string): readonly PodRecord[];
  /**
   * Has each pod told that comes or changes.
   *
   * @returns what ends that.
   */
  follow(told: (pod: PodRecord) => void): () => void;
  /** Sets annotations of this one pod, whatever state it is in. */
  nudge(pod: PodRecord, annotations: Readonly<Record<string, string>>): Promise<void>;
}

export type PodRecord = Identified & Pod;

/** What a look at a Secret's data tells. */
export interface InspectedSecret {
  readonly secret: SecretRecord;
  /** As `digestOf` makes it of what was written. */
  readonly digest: string;
}

export interface WriteOptions {
  /** The server checks everything and stores nothing. */
  readonly dryRun?: boolean;
}

/** The one state of an object that a deletion is meant for. */
export interface Precondition {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** What every record says of its object. `key` is namespace/name. */
export interface Identified {
  readonly key: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly namespace: string;
  readonly name: string;
}

/** What the label of the shard says of an object. */
export interface Sharded {
  readonly shard?: Shard;
}

export type LeaseRecord = Identified &
  Sharded &
  ObjectView & {
    readonly finalizers: readonly string[];
    /** Milliseconds since 1970. */
    readonly createdAt: number;
  };

export type DynamicSecretRecord = Identified &
  Sharded &
  DynamicSecretView & { readonly finalizers: readonly string[] };

export interface ConnectionRecord extends Identified, Sharded {
  readonly kind: ConnectionKind;
  readonly generation: number;
  /** When its deletion was asked for, in milliseconds since 1970. */
  readonly deletedAt: number | undefined;
  readonly finalizers: readonly string[];
  readonly spec:
    | { readonly valid: true; readonly value: ConnectionSpec }
    | { readonly valid: false; readonly fault: Fault };
  /** To whom a cluster connection grants what. Of a connection of a namespace: none, and none is needed. */
  readonly grants: readonly Grant[];
  readonly status: ConnectionStatus;
}

/** A namespace, as far as grants and the end of what is in it depend on it. */
export interface NamespaceRecord {
  /** Its name. */
  readonly key: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  /** It is being deleted. */
  readonly terminating: boolean;
}

export interface SecretRecord extends Identified, SecretMetadata {
  /** Somebody's finalizer keeps it: as good as gone, and nothing more can be done about it. */
  readonly terminating: boolean;
  /** It exists and may not be looked at: nothing is known of it but its name. */
  readonly hidden?: true;
}
