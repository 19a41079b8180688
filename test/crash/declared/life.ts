import { conditionOf, isReady } from '../../support/stage.ts';
import type { LifeContext } from '../story.ts';
import { SWEPT_WITHIN, timing } from '../timing.ts';
import { until, untilQuiet } from '../waiting.ts';
import { NAMES, type DeclaredTenant, type OpenSecret, type View } from './tenant.ts';
import type { WorkloadView } from './workload.ts';

/** The lease that the Secret named at a step, and whether one could log in with it. */
export interface Login {
  readonly step: string;
  readonly lease: string;
  /** Why it did not work. */
  readonly refused: string | undefined;
}

/** What happened in a life beside what the operator did, for the oracles. Instants: wall clock, milliseconds. */
export interface Course {
  /** Of each step from the first Ready on. */
  readonly logins: readonly Login[];
  readonly readyAt: number;
  /** A new lease was asked for from then on; never between `readyAt` and this. */
  readonly rotationAskedAt: number;
  /** The pods of the workload were replaced from then on, never before. */
  readonly rolledOutAt: number;
  /** The workload right before the deletion. */
  readonly workload: WorkloadView;
  /** The folder before the first object was made. */
  readonly before: readonly OpenSecret[];
  /** How everything stood right before the deletion. */
  readonly settled: View;
  readonly folder: readonly OpenSecret[];
  readonly live: readonly string[];
  /** What was declared last. */
  readonly defaultTTL: string;
  readonly deletedAt: number;
  /** The folder, the leases and the roles of PostgreSQL when all is over. */
  readonly after: readonly OpenSecret[];
  readonly left: readonly string[];
  readonly strangerLives: boolean;
}

export interface LifeOptions extends Pick<LifeContext, 'recorder' | 'reached' | 'signal'> {
  readonly tenant: DeclaredTenant;
  /** Leases that may live though nobody names them, until the dynamic secret goes. */
  readonly pardoned: () => ReadonlySet<string>;
  /** Logs into PostgreSQL. @returns why that did not work. */
  readonly logIn: (username: string, password: string) => Promise<string | undefined>;
}

/** The view of a lease object that is ready, with the lease that status and Secret both name. */
interface Served extends View {
  readonly id: string;
}

/** Another life of a lease that asks for nothing else, from the second step on. */
const LONGER = '2h';

/**
 * The recorded life. A DynamicSecret is made, and a lease of it gets ready; its TTL is changed; the password of its admin
 * is changed, in PostgreSQL and in the Secret; it is renamed while the lease lives, and the lease rotated under its
 * new name, for which a workload is restarted. When all is settled and quiet the lease is deleted, then the DynamicSecret.
 */
export async function live(options: LifeOptions): Promise<Course> {
  const { tenant, reached, recorder } = options;
  const logins: Login[] = [];
  const step = async (name: string, view: Served): Promise<void> => {
    reached(name);
    const { username = '', password = '' } = view.secret ?? {};
    logins.push({ step: name, lease: view.id, refused: await options.logIn(username, password) });
  };
  const before = await tenant.folder();
  await tenant.begin();
  const first = await served(options, 'ready', () => true);
  const readyAt = Date.now();
  await step('leased', first);

  const changed = await tenant.change({ defaultTTL: LONGER });
  const told = ({ defaultTTL }: OpenSecret): boolean => defaultTTL === LONGER;
  await step('ttl changed', await kept(options, 'its TTL changed', changed, told));

  await tenant.rotateAdmin();
  const [, password] = tenant.canaries.admin;
  const knows = ({ inputs }: OpenSecret): boolean => inputs['password'] === password;
  await step('password rotated', await kept(options, 'its password changed', changed, knows));

  const [, newName] = NAMES;
  const renamed = await tenant.change({ name: newName });
  const isRenamed = ({ name }: OpenSecret): boolean => name === newName;
  await step('renamed', await kept(options, 'its name changed', renamed, isRenamed));

  const rotationAskedAt = Date.now();
  await tenant.rotateLease();
  const rotated = await served(options, 'rotated', ({ id }) => id !== first.id);
  await step('rotated', rotated);
  await until(options, 'the workload to be restarted', async () => {
    const { lease } = await tenant.workload.view();
    return lease === rotated.id;
  });
  reached('restarting');
  const rolledOutAt = Date.now();
  await tenant.workload.rollOut();
  const { view, live: alive } = await settle(options);
  reached('settled');
  const folder = await tenant.folder();
  const workload = await tenant.workload.view();
  await untilQuiet(options);
  await step('quiet', view);
  const deletedAt = Date.now();

  await tenant.removeLease();
  await until(options, 'the lease to be gone', async () => {
    const { lease, secret } = await tenant.view();
    return lease === undefined && secret === undefined;
  });
  reached('lease gone');
  await tenant.removeDeclared();
  await until(options, 'everything to be gone', async () => {
    const { declared } = await tenant.view();
    return declared === undefined && !(await tenant.connectionHeld());
  });
  reached('gone');
  const left = await tenant.live();
  const roles = await tenant.role.existing(recorder.issued.flatMap(({ username }) => username ?? []));
  return {
    logins,
    readyAt,
    rotationAskedAt,
    rolledOutAt,
    workload,
    before,
    settled: view,
    folder,
    live: alive,
    deletedAt,
    defaultTTL: LONGER,
    after: await tenant.folder(),
    left: [...left, ...roles],
    strangerLives: await tenant.strangerLives(),
  };
}

/** Waits until the lease object is as the probe wants it. */
function served(options: LifeOptions, what: string, probe: (view: Served) => boolean): Promise<Served> {
  return until(options, `the lease to be ${what}`, async () => {
    const view = servedView(await options.tenant.view());
    return view !== undefined && probe(view) ? view : undefined;
  });
}

function servedView(view: View): Served | undefined {
  const { declared, lease, secret } = view;
  if (lease === undefined || declared === undefined || secret === undefined) return undefined;
  const id = lease.status.lease?.id;
  if (id === undefined || id !== secret.lease || !isReady(lease)) return undefined;
  return conditionOf(declared, 'Ready')?.status === 'True' ? { ...view, id } : undefined;
}

/** Waits until the server shows a change, and the status of this generation says that all is well. */
async function kept(
  options: LifeOptions,
  what: string,
  generation: number,
  probe: (shown: OpenSecret) => boolean,
): Promise<Served> {
  return until(options, `the dynamic secret to have ${what}`, async () => {
    const view = servedView(await options.tenant.view());
    const { observedGeneration, place, intent, applied } = view?.declared?.status ?? {};
    if (view === undefined || observedGeneration !== generation || intent !== undefined) return undefined;
    const shown = (await options.tenant.folder()).find(({ name }) => name === place?.name);
    return applied !== undefined && shown !== undefined && probe(shown) ? view : undefined;
  });
}

interface Settled {
  readonly view: Served;
  readonly live: readonly string[];
}

/** What was replaced is gone, and its workloads have taken up what came in its place. */
function isRestful({ lease }: Served): boolean {
  const { retiring = [], restart } = lease?.status ?? {};
  return retiring.length === 0 && restart?.complete === true;
}

/** Waits until nothing retires any more, nothing lives that nobody names, and the status holds all that was sent. */
function settle(options: LifeOptions): Promise<Settled> {
  const { tenant, pardoned } = options;
  const probe = async (): Promise<Settled | undefined> => {
    const view = servedView(await tenant.view());
    const alive = await tenant.live();
    const alone = alive.every((id) => id === view?.id || pardoned().has(id));
    return view !== undefined && isRestful(view) && alone ? { view, live: alive } : undefined;
  };
  return until(options, 'everything to be settled', probe, SWEPT_WITHIN + timing.overlap);
}
