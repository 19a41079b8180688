import { Counter, type Registry } from 'prom-client';

import { faultCodes } from '../errors.ts';
import type { FailedWork, Metrics, RevocationResult } from '../telemetry.ts';
import { countBy, gaugeBy, type ClosedSet, type First } from './closed-set.ts';

const requests: ClosedSet<First<'leaseRequested'>> = { made: true, refused: true, unknown: true };
const settlements: ClosedSet<First<'requestSettled'>> = {
  revoked: true,
  'never-made': true,
  unattributed: true,
};
const deliveries: ClosedSet<First<'delivered'>> = {
  written: true,
  found: true,
  conflict: true,
  refused: true,
  abandoned: true,
};
const revocations: ClosedSet<RevocationResult> = {
  confirmed: true,
  gone: true,
  ended: true,
  refused: true,
  left: true,
  abandoned: true,
};
const sweeps: ClosedSet<First<'swept'>> = { revoked: true, reported: true };
const drifts: ClosedSet<First<'drifted'>> = { deleted: true, edited: true, unlabelled: true, forged: true };
const renewals: ClosedSet<First<'renewed'>> = { renewed: true, refused: true, unknown: true };
const workloadRestarts: ClosedSet<First<'restarted'>> = { restarted: true, failed: true };
const podNudges: ClosedSet<First<'nudged'>> = { nudged: true, failed: true };
const failedWork: ClosedSet<FailedWork> = {
  lease: true,
  revocation: true,
  'dynamic-secret': true,
  login: true,
};
const states: ClosedSet<keyof Parameters<Metrics['leases']>[0]> = {
  ready: true,
  unready: true,
  deleting: true,
};

type LeaseMetrics = Pick<
  Metrics,
  | 'leaseRequested'
  | 'requestSettled'
  | 'delivered'
  | 'revoked'
  | 'rotated'
  | 'renewed'
  | 'failed'
  | 'restarted'
  | 'nudged'
  | 'swept'
  | 'drifted'
  | 'leases'
>;

/** Of leases and of what hangs on them. */
export function leaseMetrics(registry: Registry): LeaseMetrics {
  const results = <Result extends string>(
    name: string,
    help: string,
    values: ClosedSet<Result>,
  ): ((result: Result) => void) => countBy(registry, { name, help }, 'result', values);
  return {
    leases: gaugeBy(
      registry,
      { name: 'leaseholder_leases', help: 'DynamicSecretLease objects by state.' },
      'state',
      states,
    ),
    leaseRequested: results(
      'leaseholder_lease_requests_total',
      'Requests for a lease; unknown: without an answer that tells whether one was made.',
      requests,
    ),
    requestSettled: results(
      'leaseholder_unanswered_requests_settled_total',
      'What became of requests for a lease that got no answer; unattributed: cannot be found out.',
      settlements,
    ),
    delivered: results(
      'leaseholder_deliveries_total',
      'Writes of credentials into Secrets; found: an earlier try had arrived after all; abandoned: given up, the lease is looked for later.',
      deliveries,
    ),
    rotated: countRotations(registry),
    revoked: results(
      'leaseholder_revocations_total',
      'Ends of leases; refused: tried again later; left: runs out as declared; abandoned: runs out though it should have been revoked.',
      revocations,
    ),
    renewed: results('leaseholder_renewals_total', 'Renewals of leases in use.', renewals),
    failed: countFailures(registry),
    swept: results(
      'leaseholder_swept_leases_total',
      'Listed leases that nobody names; reported: left alone, because they may be somebody else’s.',
      sweeps,
    ),
    drifted: countBy(
      registry,
      { name: 'leaseholder_drift_total', help: 'Changes that somebody else made to Secrets of ours.' },
      'kind',
      drifts,
    ),
    restarted: results(
      'leaseholder_workload_restarts_total',
      'Workloads whose pod template was changed for a new lease; failed: the Kubernetes API refused it.',
      workloadRestarts,
    ),
    nudged: results(
      'leaseholder_pod_nudges_total',
      'Pods that were annotated for new credentials; failed: the Kubernetes API refused it.',
      podNudges,
    ),
  };
}

function countRotations(registry: Registry): () => void {
  const rotations = new Counter({
    name: 'leaseholder_rotations_total',
    help: 'Leases that were replaced by a successor.',
    registers: [registry],
  });
  return () => rotations.inc();
}

function countFailures(registry: Registry): Metrics['failed'] {
  const failures = new Counter({
    name: 'leaseholder_failures_total',
    help: 'Steps that failed and are tried again, by the reason that a condition shows.',
    labelNames: ['what', 'reason'],
    registers: [registry],
  });
  for (const what of Object.keys(failedWork))
    for (const reason of faultCodes) failures.inc({ what, reason }, 0);
  return (what, reason) => failures.inc({ what, reason });
}
