import type { Log, LogFields, Metrics } from '../../../src/telemetry.ts';

type Counted = Pick<
  Metrics,
  | 'apiAnswered'
  | 'failed'
  | 'loggedIn'
  | 'sessionsChanged'
  | 'leaseRequested'
  | 'circuits'
  | 'turnsAwaited'
  | 'throttled'
  | 'heldBack'
>;

/** A log and metrics that remember what they were told. */
export interface RecordedTelemetry {
  readonly log: Log;
  readonly metrics: Counted;
  readonly lines: readonly { level: string; message: string; fields: LogFields | undefined }[];
  readonly counts: readonly (readonly unknown[])[];
}

export function recordedTelemetry(): RecordedTelemetry {
  const lines: { level: string; message: string; fields: LogFields | undefined }[] = [];
  const counts: unknown[][] = [];
  const line =
    (level: string) =>
    (message: string, fields?: LogFields): void => {
      lines.push({ level, message, fields });
    };
  const log: Log = {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    with: () => log,
  };
  const metrics: Counted = {
    apiAnswered: (...count) => void counts.push(['apiAnswered', ...count]),
    failed: (...count) => void counts.push(['failed', ...count]),
    sessionsChanged: (...count) => void counts.push(['sessionsChanged', ...count]),
    loggedIn: (...count) => void counts.push(['loggedIn', ...count]),
    leaseRequested: (...count) => void counts.push(['leaseRequested', ...count]),
    circuits: () => undefined,
    turnsAwaited: () => undefined,
    throttled: () => undefined,
    heldBack: (...count) => void counts.push(['heldBack', ...count]),
  };
  return { log, metrics, lines, counts };
}
