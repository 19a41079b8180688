import type { ConnectionAuth } from './api/auth.ts';
import type { ConnectionKind } from './api/lease.ts';
import type { FaultCode } from './errors.ts';

/** What a log line may carry: names, numbers and closed words. Never a body, a header or a credential. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** The log as every part sees it. Messages are constant sentences; what varies goes into the fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log that adds these fields to each line. */
  with(fields: LogFields): Log;
}

/** The object that an event is about. */
export interface EventSubject {
  readonly kind: 'DynamicSecretLease' | 'DynamicSecret' | ConnectionKind;
  /** Empty for an object of the cluster. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** The closed set of event reasons. */
export const eventReasons = [
  'LeaseLeft',
  'LeaseLost',
  'LeaseSwept',
  'RecordRefused',
  'SecretDrifted',
  'SecretRetained',
  'WorkloadsRestarted',
  'RestartFailed',
  'NudgeFailed',
  'RotationRequested',
  'RetiringDropped',
  'RequestUnaccounted',
  'InUse',
  'ConnectionReady',
  'ConnectionFailed',
  'DynamicSecretCreated',
  'DynamicSecretAdopted',
  'DynamicSecretRenamed',
  'DynamicSecretDrifted',
  'DynamicSecretLost',
  'DynamicSecretLeft',
  'RemovalFailed',
] as const;

export type EventReason = (typeof eventReasons)[number];

/**
 * Kubernetes events: for what a person should notice, never for the happy path of bulk work. A call returns at once and
 * never throws; an event that cannot be written is dropped. Messages are constant sentences that hold names only: never
 * a credential, an id, a time or a counter, so that a repetition is the same event.
 */
export interface Events {
  warn(about: EventSubject, reason: EventReason, message: string): void;
  note(about: EventSubject, reason: EventReason, message: string): void;
}

/**
 * What became of one revocation. `left`: left to run out, or to another installation, as it should be; `abandoned`: left to
 * run out though it should have been revoked.
 */
export type RevocationResult = 'confirmed' | 'gone' | 'ended' | 'refused' | 'left' | 'abandoned';

/** What became of one reconciliation. */
export type ReconcileResult = 'done' | 'requeued' | 'faulted' | 'crashed';

/** What the operator does to a dynamic secret. */
export type DynamicSecretDeed = 'created' | 'adopted' | 'updated' | 'renamed' | 'removed' | 'left';

/** How a connection logs in: the name of its method in `spec.auth`. */
export type LoginWay = keyof ConnectionAuth;

/** What can fail for a reason of the table of faults. */
export type FailedWork = 'lease' | 'revocation' | 'dynamic-secret' | 'login';

/** What became of an event. `joined`: it repeats one that is written, which tells how often with its next write. */
export type EventResult = 'written' | 'joined' | 'failed' | 'dropped';

/** When the lease that an object's Secret holds ends. Milliseconds since 1970 by the lease API's clock. */
export interface LeaseEnd {
  readonly namespace: string;
  readonly name: string;
  readonly expiresAt: number;
  /** When it is due to be replaced. */
  readonly rotateAt: number | undefined;
}

/** What is counted of all lease objects when somebody asks for the metrics. */
export interface LeaseSurvey {
  readonly ends: readonly LeaseEnd[];
  /** Replaced leases that have not ended yet. */
  readonly retiring: number;
  /** Leases whose revocation has failed and is tried again; an object that is being deleted counts as one. */
  readonly revocationsFailing: number;
  /** Requests that may each have made a lease that nobody can find. */
  readonly unaccounted: number;
}

/**
 * The numbers that the operator keeps. Labels are closed sets: no name of a tenant's object is one, but for the ends of
 * leases, which are told of so many objects at most.
 */
export interface Metrics {
  leaseRequested(result: 'made' | 'refused' | 'unknown'): void;
  requestSettled(result: 'revoked' | 'never-made' | 'unattributed'): void;
  delivered(result: 'written' | 'found' | 'conflict' | 'refused' | 'abandoned'): void;
  revoked(result: RevocationResult): void;
  rotated(): void;
  /** A step failed, and is tried again later. */
  failed(what: FailedWork, reason: FaultCode): void;
  loggedIn(way: LoginWay, result: 'accepted' | 'refused'): void;
  /** A session has begun to work (1), or works no longer (-1). */
  sessionsChanged(way: LoginWay, by: 1 | -1): void;
  reconciled(controller: string, result: ReconcileResult, seconds: number): void;
  queueDepth(controller: string, depth: number): void;
  /** How long an object has waited from when it was due until a worker began. */
  queueWaited(controller: string, seconds: number): void;
  watchRestarted(resource: string, cause: 'ended' | 'silent' | 'expired' | 'error'): void;
  apiAnswered(route: string, outcome: string, seconds: number): void;
  /** How many servers, of those that connections name, answer or do not. */
  circuits(counts: Readonly<Record<'closed' | 'half-open' | 'open', number>>): void;
  /** How many requests wait for their turn at servers that limit their rate. */
  turnsAwaited(route: string, waiting: number): void;
  /** A request has waited for its turn. */
  throttled(route: string, seconds: number): void;
  /** A request was not sent: the server does not answer, or its turn would have come too late. */
  heldBack(reason: 'circuit' | 'limit'): void;
  kubeAnswered(verb: string, resource: string, code: number): void;
  /** A listed lease that nobody names: revoked as lost, or only reported because it may be another's. */
  swept(result: 'revoked' | 'reported'): void;
  /** What a tenant or a tool did to a Secret of ours. */
  drifted(kind: 'deleted' | 'edited' | 'unlabelled' | 'forged'): void;
  renewed(result: 'renewed' | 'refused' | 'unknown'): void;
  /** The pod template of a workload was changed for a new lease, or could not be. */
  restarted(result: 'restarted' | 'failed'): void;
  /** A pod was annotated for new credentials, or could not be. */
  nudged(result: 'nudged' | 'failed'): void;
  /** Whether this process leads. */
  leading(leads: boolean): void;
  leases(counts: Readonly<Record<'ready' | 'unready' | 'deleting', number>>): void;
  /** The connections, of both kinds. */
  connections(counts: Readonly<Record<'ready' | 'unready' | 'deleting', number>>): void;
  /** Has the leases surveyed whenever the metrics are asked for; undefined: no longer. */
  surveyLeases(take: (() => LeaseSurvey) | undefined): void;
  eventTold(result: EventResult): void;
  /** What was done to a dynamic secret on a server. `left`: its object went without it, as declared or for want of a way. */
  dynamicSecretChanged(what: DynamicSecretDeed): void;
  dynamicSecrets(counts: Readonly<Record<'ready' | 'unready' | 'deleting', number>>): void;
}
