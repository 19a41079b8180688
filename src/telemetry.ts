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

/** What became of one revocation. `left` are leases that were left to run out, as declared or for want of a way. */
export type RevocationResult = 'confirmed' | 'gone' | 'ended' | 'refused' | 'left';

/** What became of one reconciliation. */
export type ReconcileResult = 'done' | 'requeued' | 'faulted' | 'crashed';

/** The numbers that the operator keeps. Labels are closed sets: no name of a tenant's object is one. */
export interface Metrics {
  leaseRequested(result: 'made' | 'refused' | 'unknown'): void;
  requestSettled(result: 'revoked' | 'never-made' | 'unattributed'): void;
  delivered(result: 'written' | 'found' | 'conflict' | 'refused' | 'abandoned'): void;
  revoked(result: RevocationResult): void;
  rotated(): void;
  loggedIn(result: 'accepted' | 'refused'): void;
  reconciled(controller: string, result: ReconcileResult, seconds: number): void;
  queueDepth(controller: string, depth: number): void;
  watchRestarted(resource: string, cause: 'ended' | 'silent' | 'expired' | 'error'): void;
  apiAnswered(route: string, outcome: string, seconds: number): void;
  kubeAnswered(verb: string, resource: string, code: number): void;
  leases(counts: Readonly<Record<'ready' | 'unready' | 'deleting', number>>): void;
}
