import { awaitCondition } from '../../sandbox/control-plane/condition.ts';
import type { LifeContext } from './story.ts';
import { QUIET, STEP_WITHIN, SWEPT_WITHIN } from './timing.ts';

type Watched = Pick<LifeContext, 'recorder' | 'signal'>;

/** A look at the world costs requests: one is taken after each answer to the operator, and now and then. */
const NOW_AND_THEN = 1000;

/** Waits for something that the operator brings about. @throws Error when it takes too long. */
export function until<T>(
  { recorder, signal }: Watched,
  what: string,
  probe: () => Promise<T | undefined | false>,
  timeoutMs = STEP_WITHIN,
): Promise<T> {
  let seen = -1;
  let lookedAt = 0;
  const look = async (): Promise<T | undefined | false> => {
    signal.throwIfAborted();
    const answers = recorder.answers();
    if (answers === seen && Date.now() < lookedAt + NOW_AND_THEN) return undefined;
    [seen, lookedAt] = [answers, Date.now()];
    return probe();
  };
  return awaitCondition(look, { what, timeoutMs, intervalMs: 50 });
}

/** Waits until the operator has written nothing for a while. */
export async function untilQuiet({ recorder, signal }: Watched): Promise<void> {
  const probe = (): Promise<boolean> => {
    signal.throwIfAborted();
    return Promise.resolve(Date.now() - recorder.lastWriteAt() > QUIET);
  };
  await awaitCondition(probe, { what: 'the operator to be quiet', timeoutMs: SWEPT_WITHIN });
}
