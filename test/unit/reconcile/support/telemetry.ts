import type { Events, Metrics } from '../../../../src/telemetry.ts';

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
      failed: ignored,
      loggedIn: ignored,
      sessionsChanged: ignored,
      reconciled: ignored,
      queueDepth: ignored,
      queueWaited: ignored,
      watchRestarted: ignored,
      apiAnswered: ignored,
      kubeAnswered: ignored,
      circuits: ignored,
      turnsAwaited: ignored,
      throttled: ignored,
      heldBack: ignored,
      swept: (result) => void counts.push(`swept: ${result}`),
      drifted: (kind) => void counts.push(`drifted: ${kind}`),
      renewed: (result) => void counts.push(`renewed: ${result}`),
      restarted: (result) => void counts.push(`workload: ${result}`),
      nudged: (result) => void counts.push(`pod: ${result}`),
      leading: ignored,
      leases: ignored,
      connections: ignored,
      surveyLeases: ignored,
      eventTold: ignored,
      dynamicSecretChanged: (what) => void counts.push(`dynamic secret: ${what}`),
      dynamicSecrets: ignored,
    },
  };
}

/** Events that are remembered as words: "Warning LeaseLost shop/orders-db". */
export function rememberedEvents(): { readonly events: Events; readonly told: string[] } {
  const told: string[] = [];
  return {
    told,
    events: {
      warn: (about, reason) => void told.push(`Warning ${reason} ${about.namespace}/${about.name}`),
      note: (about, reason) => void told.push(`Normal ${reason} ${about.namespace}/${about.name}`),
    },
  };
}
