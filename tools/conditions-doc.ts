import { progressReasons, type ProgressReason } from '../src/api/condition.ts';
import { exampleFaults } from './example-faults.ts';

const retryWords = {
  backoff: 'by itself, within seconds to two minutes',
  slow: 'by itself, every few minutes',
  rare: 'by itself, after minutes at first and an hour at last, and when spec changes',
  change: 'when the object changes',
} as const;

const progress: Record<ProgressReason, string> = {
  LeaseActive: 'The Secret names a live lease of what the spec targets.',
  LeaseExpired: 'The lease that the Secret names is past its end; a new one is on its way or refused.',
  Leasing: 'The first lease is being requested.',
  Delivering: 'A lease was issued and is being written into the Secret.',
  Settling: 'A request got no answer; whether it made a lease is being found out before another is sent.',
  Revoking: 'The object is being deleted; its leases are being revoked.',
  Suspended: 'spec.suspend is true: nothing is leased, renewed or revoked.',
  LoggedIn: 'The server accepted the last login.',
  InUse:
    'The object is being deleted, and stays and works until the objects that use it are gone: leases and dynamic secrets for a connection, leases for a dynamic secret.',
  Declared: 'The dynamic secret exists as declared.',
  Creating: 'The dynamic secret is being created, or is looked for before it is.',
  Updating: 'What the spec changed is being sent to the server.',
  Renaming: 'The dynamic secret is being renamed. Its leases go on.',
  Removing: 'The object is being deleted; its dynamic secret is being removed from the server.',
  Settled: 'Nothing is under way.',
  Accepted: 'The spec is accepted.',
};

/** The page about conditions: every reason, what it means, how it heals. */
export function renderConditionsDoc(): string {
  const lines = [
    '# Conditions and their reasons',
    '',
    'Generated from `src/errors.ts` and `src/api/condition.ts`; do not edit.',
    '',
    'Each object has three conditions, after the rules of kstatus:',
    '',
    '- `Ready` is True while the Secret names a live lease of what the current spec targets (for a connection: while its login works; for a dynamic secret: while it exists as declared).',
    '- `Reconciling` is True while something is under way, or failing with life left; its reason then is the fault.',
    '- `Stalled` is True when the spec itself is refused: only a change of the object helps.',
    '',
    '## What goes on',
    '',
    '| Reason | Meaning |',
    '| --- | --- |',
    ...progressReasons.map((reason) => `| \`${reason}\` | ${progress[reason]} |`),
    '',
    '## What went wrong',
    '',
    'The message is the sentence below with the names of the object at hand. It holds no time and no counter, so it changes only when the fault does.',
    '',
    '| Reason | Tried again | Message (an example) |',
    '| --- | --- | --- |',
    ...exampleFaults.map(
      (example) => `| \`${example.code}\` | ${retryWords[example.retry]} | ${example.message} |`,
    ),
    '',
  ];
  return lines.join('\n');
}
