import { z } from 'zod';

import { formatMicroInstant } from '../instant.ts';
import type { Timing } from '../timing.ts';

/** Who holds a Lease of coordination.k8s.io, as its object says. */
export interface Hold {
  readonly resourceVersion: string;
  /** Empty: nobody. */
  readonly holder: string;
  /** Milliseconds that a hold lasts without being renewed; undefined: not said. */
  readonly length: number | undefined;
  /** As written, by whatever clock: only ever compared with itself. */
  readonly renewTime: string;
  readonly transitions: number;
}

const leaseObject = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  spec: z
    .object({
      holderIdentity: z.string().nullish(),
      leaseDurationSeconds: z.number().positive().nullish(),
      renewTime: z.string().nullish(),
      leaseTransitions: z.int().nonnegative().nullish(),
    })
    .nullish(),
});

/** Reads a Lease. @throws ZodError when it is none. */
export function readHold(raw: unknown): Hold {
  const { metadata, spec } = leaseObject.parse(raw);
  const seconds = spec?.leaseDurationSeconds ?? undefined;
  return {
    resourceVersion: metadata.resourceVersion,
    holder: spec?.holderIdentity ?? '',
    length: seconds === undefined ? undefined : seconds * 1000,
    renewTime: spec?.renewTime ?? '',
    transitions: spec?.leaseTransitions ?? 0,
  };
}

/** A hold, and since when it has been seen as it is: elapsed milliseconds of our own clock. */
export interface Sighting {
  readonly hold: Hold;
  readonly since: number;
}

/** What is seen now, after what was seen before. Another resourceVersion alone is no sign of life of the holder. */
export function sighted(before: Sighting | undefined, hold: Hold, now: number): Sighting {
  const same =
    before?.hold.holder === hold.holder &&
    before.hold.renewTime === hold.renewTime &&
    before.hold.transitions === hold.transitions;
  return { hold, since: same ? before.since : now };
}

/**
 * When a Lease may be taken: its holder has shown no life for as long as it promised to. Two wall clocks are never
 * compared.
 *
 * @param length of a hold that does not say how long it lasts.
 * @returns elapsed milliseconds.
 */
export function freeAt({ hold, since }: Sighting, length: number): number {
  return hold.holder === '' ? since : since + (hold.length ?? length);
}

/**
 * The spec of a Lease that we take or renew.
 *
 * @param before the hold that ours follows or goes on with; undefined: there is no Lease yet.
 * @param wall milliseconds since 1970, for people and for tools that read Leases.
 */
export function ownSpec(
  identity: string,
  before: Hold | undefined,
  wall: number,
  { leaderLease }: Pick<Timing, 'leaderLease'>,
): object {
  const renewTime = formatMicroInstant(wall);
  const renewal = {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(leaderLease / 1000),
    renewTime,
  };
  if (before?.holder === identity) return renewal;
  const leaseTransitions = before === undefined ? 0 : before.transitions + 1;
  return { ...renewal, acquireTime: renewTime, leaseTransitions };
}

/** The spec of a Lease that we let go: whoever asks next may take it. */
export function freeSpec(wall: number): object {
  return { holderIdentity: '', leaseDurationSeconds: 1, renewTime: formatMicroInstant(wall) };
}
