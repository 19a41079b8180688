import { Gauge, type Registry } from 'prom-client';

import type { LeaseEnd, LeaseSurvey, Metrics } from '../telemetry.ts';

/** The ends of so many leases are told, at most: those that end first. */
export const MOST_ENDS = 2000;

const nothing: LeaseSurvey = { ends: [], retiring: 0, revocationsFailing: 0, unaccounted: 0 };

interface SurveyMetrics extends Pick<Metrics, 'surveyLeases'> {
  /** Takes the survey; to be called once before the metrics are printed. */
  readonly refresh: () => void;
}

/** What is told of all leases as they are when somebody asks. */
export function surveyMetrics(registry: Registry): SurveyMetrics {
  const registers = [registry];
  // Not "namespace" and "name": Prometheus has the former for the pod that it asks, and renames this one.
  const labelNames = ['lease_namespace', 'lease_name'];
  const expiry = new Gauge({
    name: 'leaseholder_lease_expiry_timestamp_seconds',
    help: 'When the lease in an object’s Secret ends, as a Unix time in seconds; not of objects that are suspended or being deleted, and of those that end first where there are more than 2,000.',
    labelNames,
    registers,
  });
  const rotation = new Gauge({
    name: 'leaseholder_lease_rotation_timestamp_seconds',
    help: 'When that lease is due to be replaced, as a Unix time in seconds; of the same objects.',
    labelNames,
    registers,
  });
  const omitted = new Gauge({
    name: 'leaseholder_lease_expiries_omitted',
    help: 'Objects with a lease whose end is not told, because others end first.',
    registers,
  });
  const retiring = new Gauge({
    name: 'leaseholder_retiring_leases',
    help: 'Leases that were replaced and have not ended yet.',
    registers,
  });
  const failing = new Gauge({
    name: 'leaseholder_revocations_failing',
    help: 'Leases whose revocation has failed and is tried again; an object that is being deleted counts as one.',
    registers,
  });
  const unaccounted = new Gauge({
    name: 'leaseholder_unaccounted_leases',
    help: 'Requests of unknown fate that may each have made a lease which nobody can find, until it must have ended.',
    registers,
  });
  let take: (() => LeaseSurvey) | undefined;
  return {
    surveyLeases: (given) => void (take = given),
    refresh() {
      const survey = take?.() ?? nothing;
      const shown = nearest(survey.ends, MOST_ENDS);
      expiry.reset();
      rotation.reset();
      for (const end of shown) {
        const labels = { lease_namespace: end.namespace, lease_name: end.name };
        expiry.set(labels, end.expiresAt / 1000);
        if (end.rotateAt !== undefined) rotation.set(labels, end.rotateAt / 1000);
      }
      omitted.set(survey.ends.length - shown.length);
      retiring.set(survey.retiring);
      failing.set(survey.revocationsFailing);
      unaccounted.set(survey.unaccounted);
    },
  };
}

/**
 * Those that end first, at most so many; of those that end at the same time the first by namespace and name. Only numbers
 * are put in order, and of the objects none but those that end at the last moment which is told.
 */
export function nearest(ends: readonly LeaseEnd[], most: number): readonly LeaseEnd[] {
  if (ends.length <= most) return ends;
  const last = Float64Array.from(ends, ({ expiresAt }) => expiresAt).sort()[most - 1] ?? 0;
  const before = ends.filter(({ expiresAt }) => expiresAt < last);
  const together = ends.filter(({ expiresAt }) => expiresAt === last).sort(byName);
  return [...before, ...together.slice(0, most - before.length)];
}

function byName(one: LeaseEnd, other: LeaseEnd): number {
  return compare(one.namespace, other.namespace) || compare(one.name, other.name);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
