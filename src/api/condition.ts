import { z } from 'zod';

import { faultCodes, type FaultCode } from '../errors.ts';

/**
 * The condition types, after kstatus: `Ready` (the Secret names a live lease of what the spec targets; the dynamic
 * secret exists as declared), `Reconciling` (something is under way or failing with life left), `Stalled` (the spec is refused; only a change helps).
 */
export const conditionTypes = ['Ready', 'Reconciling', 'Stalled'] as const;

export type ConditionType = (typeof conditionTypes)[number];

/** Reasons that are not faults. */
export const progressReasons = [
  'LeaseActive',
  'LeaseExpired',
  'Leasing',
  'Delivering',
  'Settling',
  'Revoking',
  'Suspended',
  'LoggedIn',
  'InUse',
  'Declared',
  'Creating',
  'Updating',
  'Renaming',
  'Removing',
  'Settled',
  'Accepted',
] as const;

export type ProgressReason = (typeof progressReasons)[number];

/** The closed set of condition reasons. */
export type Reason = ProgressReason | FaultCode;

export const reasons: readonly Reason[] = [...progressReasons, ...faultCodes];

/** `metav1.Condition`. */
export const condition = z.object({
  type: z.string().describe('Ready, Reconciling or Stalled.'),
  status: z.enum(['True', 'False', 'Unknown']),
  observedGeneration: z.int().optional().describe('The generation that the condition speaks of.'),
  lastTransitionTime: z.string().meta({ format: 'date-time' }).describe('When the status last changed.'),
  reason: z.string().describe('A word of a closed set; see docs/conditions.md.'),
  message: z.string().max(1024).describe('A sentence for people.'),
});

export type Condition = z.infer<typeof condition>;

export const conditions = z
  .array(condition)
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] });
