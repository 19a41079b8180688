import { API_VERSION, FIELD_MANAGER } from '../api/names.ts';
import { formatMicroInstant } from '../instant.ts';
import type { EventReason, EventSubject } from '../telemetry.ts';
import type { ResourceType } from './resource.ts';

/** Events as they are since Kubernetes 1.19. The API server shows them as core events too: kubectl asks for those. */
export const eventType: ResourceType = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  namespaced: true,
};

/** What is told, and when it was told first. */
export interface ToldEvent {
  readonly about: EventSubject;
  readonly type: 'Normal' | 'Warning';
  readonly reason: EventReason;
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** How often the same has been told, if more than once, and when last. */
export interface Series {
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly lastAt: number;
}

/** What was being done when it came to an event: `action`, which an event must have. */
const actions: Readonly<Record<EventReason, string>> = {
  LeaseLeft: 'RevokeLease',
  LeaseLost: 'ReplaceLease',
  LeaseSwept: 'RevokeLease',
  RecordRefused: 'ReplaceLease',
  SecretDrifted: 'ReplaceLease',
  SecretRetained: 'ReleaseSecret',
  WorkloadsRestarted: 'RestartWorkloads',
  RestartFailed: 'RestartWorkloads',
  NudgeFailed: 'NudgePods',
  RotationRequested: 'ReplaceLease',
  RetiringDropped: 'ReplaceLease',
  RequestUnaccounted: 'RequestLease',
  InUse: 'Delete',
  ConnectionReady: 'LogIn',
  ConnectionFailed: 'LogIn',
  DynamicSecretCreated: 'CreateDynamicSecret',
  DynamicSecretAdopted: 'AdoptDynamicSecret',
  DynamicSecretRenamed: 'RenameDynamicSecret',
  DynamicSecretDrifted: 'UpdateDynamicSecret',
  DynamicSecretLost: 'CreateDynamicSecret',
  DynamicSecretLeft: 'RemoveDynamicSecret',
  RemovalFailed: 'RemoveDynamicSecret',
};

/** The longest note and the longest name of an instance that the API takes, in bytes. */
const LONGEST_NOTE = 1024;
const LONGEST_INSTANCE = 128;

/** Where the events of an object are kept: those of an object without a namespace, in this one (Kubernetes convention). */
export function homeOf({ namespace }: EventSubject): string {
  return namespace === '' ? 'default' : namespace;
}

/**
 * An event as the API takes it.
 *
 * @param instance which replica tells it.
 */
export function eventManifest(
  { about, type, reason, message, at }: ToldEvent,
  series: Series,
  instance: string,
): object {
  const { kind, namespace, name, uid } = about;
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    // The API server shortens what is too long, and makes it unique.
    metadata: { namespace: homeOf(about), generateName: `${name}-` },
    regarding: { apiVersion: API_VERSION, kind, ...(namespace === '' ? {} : { namespace }), name, uid },
    type,
    reason,
    action: actions[reason],
    note: cut(message, LONGEST_NOTE),
    reportingController: FIELD_MANAGER,
    reportingInstance: cut(instance, LONGEST_INSTANCE),
    eventTime: formatMicroInstant(at),
    ...seriesPatch(series),
  };
}

/** The part of an event that changes: nothing for one that was told once. */
export function seriesPatch({ count, lastAt }: Series): object {
  return count < 2 ? {} : { series: { count, lastObservedTime: formatMicroInstant(lastAt) } };
}

/** A text of so many bytes at most, with "…" where it was longer. */
function cut(text: string, most: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  // A character that was cut through is left out.
  return `${bytes
    .subarray(0, most - 3)
    .toString('utf8')
    .replace(/\uFFFD$/, '')}…`;
}
