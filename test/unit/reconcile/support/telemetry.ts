import type { Metrics } from '../../../../src/telemetry.ts';

const ignored = (): void => undefined;

/** Metrics that remember what was counted of leases, as words. */
export function countedMetrics(): { readonly metrics: Metrics; readonly counts: string[] } {
  const counts: string[] = [];
  return {
    counts,
    metrics: {
      leaseRequested: (result) => void counts.push(`requested: ${result}`),
      requestSettled: (result) => void counts.push(`settled: ${result}`),
      delivered: (result) => void counts.push(`delivered: ${result}`),
      revoked: (result) => void counts.push(`revoked: ${result}`),
      rotated: () => void counts.push('rotated'),
      loggedIn: ignored,
      reconciled: ignored,
      queueDepth: ignored,
      watchRestarted: ignored,
      apiAnswered: ignored,
      kubeAnswered: ignored,
      leases: ignored,
    },
  };
}
