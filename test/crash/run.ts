import { logIn } from '../support/login.ts';
import { live, type Course } from './life.ts';
import type { ServerKind } from '../support/server-kind.ts';
import { judge, type Violation } from './oracles.ts';
import { pardonedLeases } from './pardon.ts';
import type { Fault, PointName } from './faults.ts';
import { settingOf } from './setting.ts';
import type { Surroundings } from '../support/surroundings.ts';
import { stateOf, type State } from './state.ts';
import { OBJECTS, type Tenant } from './tenant.ts';
import { recoveryOf, type Windows } from './recovery.ts';
import { atRest, gatherWorld } from './world.ts';

export interface RunResult {
  readonly violations: readonly Violation[];
  /** The requests before the first crash, in order. */
  readonly points: readonly PointName[];
  /** How many of the faults were met. */
  readonly fired: number;
  /** The longest time from a kill to the next step of the life that was reached, in milliseconds. */
  readonly recovery: number | undefined;
  /** What the last process sent about each object until that one's next step was reached. */
  readonly windows: Windows;
  /** How everything stood after each kill, where that was asked for. */
  readonly states: readonly State[];
  /** Whether the life was ended at its last fault. */
  readonly pruned: boolean;
  /** What happened, for people. */
  readonly trace: readonly string[];
}

/** Whether a state need not be lived from, because a whole life has been. */
export type IsKnown = (state: State) => boolean;

/**
 * One life, with as many faults as are given.
 *
 * @param isKnown with it the state is taken after each kill, and the life ends at the last where that is known.
 */
export async function run(
  surroundings: Surroundings,
  server: ServerKind,
  faults: readonly Fault[],
  isKnown?: IsKnown,
): Promise<RunResult> {
  const started = Date.now();
  const trace: string[] = [];
  const logins: string[] = [];
  const steps: string[] = [];
  const states: State[] = [];
  const over = new AbortController();
  let pruned = false;
  const note = (what: string): void => {
    trace.push(`${((Date.now() - started) / 1000).toFixed(1)} s: ${what}`);
  };
  /** @returns whether the life goes on. */
  const takeState = async (): Promise<boolean> => {
    await atRest(proxies, recorder);
    const state = stateOf(await gatherWorld(tenant, { recorder, steps }));
    states.push(state);
    pruned = recorder.fired() === faults.length && isKnown?.(state) === true;
    note(`state ${state.digest}${pruned ? ', known' : ''}: ${state.text}`);
    if (pruned) over.abort(new Error('The state is known.'));
    return !pruned;
  };
  const meanwhile = async (): Promise<boolean> => {
    if (isKnown === undefined) return true;
    // Nobody waits for a kill: what goes wrong here is told by the life.
    return takeState().catch((error: unknown) => {
      over.abort(error);
      return false;
    });
  };
  await using setting = await settingOf(surroundings, { server, faults, meanwhile });
  const { tenant, recorder, operators, proxies } = setting;
  const recovery = recoveryOf({ faults, recorder, operators });
  const reached = (step: string): void => {
    note(step);
    steps.push(step);
    recovery.reached(step);
  };
  const pardoned = (): ReadonlySet<string> => pardonedLeases(server, recorder);
  const inspect = async (settled: Course['settled']): Promise<void> => {
    for (const name of OBJECTS) logins.push(...(await refusedLogin(surroundings, name, settled)));
  };

  const violations: Violation[] = [];
  operators.start();
  try {
    const course = await live({ tenant, recorder, pardoned, inspect, reached, signal: over.signal });
    const code = await operators.stop();
    over.signal.throwIfAborted();
    if (code !== 0) violations.push({ oracle: 'an operator that is asked to end does', seen: String(code) });
    violations.push(...logins.map((seen) => ({ oracle: 'the credentials log in', seen })));
    const ledger = await ledgerOf(tenant);
    const audit = await surroundings.audit(tenant.namespace);
    const { user } = surroundings.stage;
    const { absences } = operators;
    const seen = { course, recorder, audit, ledger, user, output: operators.output(), absences };
    violations.push(...judge({ ...seen, pardoned: pardoned() }));
  } catch (error) {
    const seen = `${String(error)} ${await standing(tenant)}`;
    if (!pruned) violations.push({ oracle: 'the life goes on', seen });
  }
  const [points = []] = recorder.processes;
  const sent = isKnown === undefined ? points : recorder.processes.flatMap(inTurn);
  if (violations.length > 0) trace.push(...sent, ...(await history(tenant)), operators.output());
  const { longest, windows } = recovery.seen();
  if (isKnown !== undefined) {
    trace.push(...OBJECTS.map((name) => `${name} recovered by: ${windows[name].join(', ')}`));
  }
  return { violations, points, fired: recorder.fired(), recovery: longest, windows, states, pruned, trace };
}

function inTurn(requests: readonly PointName[], index: number): readonly string[] {
  return [`process ${String(index + 1)}:`, ...requests];
}

async function ledgerOf(tenant: Tenant): ReturnType<typeof entriesOf> {
  return entriesOf(tenant);
}

async function entriesOf({
  api,
  secretIds,
}: Tenant): Promise<Awaited<ReturnType<Tenant['api']['readLedger']>>['entries']> {
  const mine = new Set<string | null>(Object.values(secretIds));
  return (await api.readLedger()).entries.filter(({ dynamicSecretId }) => mine.has(dynamicSecretId));
}

async function history(tenant: Tenant): Promise<readonly string[]> {
  const entries = await ledgerOf(tenant);
  return entries.map(
    ({ at, event, leaseId, dynamicSecret }) =>
      `${new Date(at).toISOString()} ledger: ${event} ${String(dynamicSecret)} ${String(leaseId)}`,
  );
}

/** How everything stands, for the message of a life that stopped. */
async function standing(tenant: Tenant): Promise<string> {
  const views = await Promise.all(OBJECTS.map((name) => tenant.view(name)));
  const states = views.map(({ lease, secret }) => ({ status: lease?.status, secret: secret?.lease }));
  return JSON.stringify({ states, live: await tenant.live() });
}

/** Logs into PostgreSQL as the Secret says. @returns what went wrong. */
async function refusedLogin(
  { postgres }: Surroundings,
  name: (typeof OBJECTS)[number],
  settled: Course['settled'],
): Promise<readonly string[]> {
  const { username = '', password = '' } = settled[name].secret ?? {};
  const refused = await logIn(postgres, username, password);
  return refused === undefined ? [] : [`${name}: ${refused}`];
}
