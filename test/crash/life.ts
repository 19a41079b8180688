import { isReady } from '../support/stage.ts';
import type { Recorder } from './recorder.ts';
import { OBJECTS, type ObjectName, type Tenant, type View } from './tenant.ts';
import { SWEPT_WITHIN, timing } from './timing.ts';
import { until, untilQuiet } from './waiting.ts';

/** What happened in a life beside what the operator did, for the oracles. Instants: wall clock, milliseconds. */
export interface Course {
  /** The lease that somebody else revoked, and when. */
  readonly revokedElsewhere: { readonly id: string; readonly at: number };
  /** How everything stood right before the deletion. */
  readonly settled: Readonly<Record<ObjectName, View>>;
  /** The leases that lived then. */
  readonly live: readonly string[];
  /** How long no write of the operator had come by then. */
  readonly quietSince: number;
  readonly deletedAt: number;
  /** The leases that live when all is over. */
  readonly left: readonly string[];
}

export interface LifeOptions {
  readonly tenant: Tenant;
  readonly recorder: Recorder;
  /** Leases that may live though nobody names them. */
  readonly pardoned: () => ReadonlySet<string>;
  /** Looks at the settled world before it is deleted. */
  readonly inspect: (settled: Course['settled']) => Promise<void>;
  /** Is told of each step that was reached. */
  readonly reached: (step: string) => void;
  /** Ends the life where it is: its reason is thrown. */
  readonly signal: AbortSignal;
}

/** The view of an object that is ready, with the lease that status and Secret both name. */
interface Served extends View {
  readonly id: string;
}

/**
 * The recorded life. Two objects at once: `orders` is made, ready, rotated, pointed at something else, and loses its
 * Secret; `stock` is made, ready, loses its lease to somebody else, and has its Secret edited. Replaced leases are
 * revoked. Then both are deleted.
 */
export async function live(options: LifeOptions): Promise<Course> {
  const { tenant, reached } = options;
  await tenant.begin();
  const [, revokedElsewhere] = await Promise.all([liveOrders(options), liveStock(options)]);
  const settled = await settle(options);
  reached('settled');
  const alive = await tenant.live();
  await options.inspect(settled);
  await untilQuiet(options);
  reached('quiet');
  const quietSince = options.recorder.lastWriteAt();
  const deletedAt = Date.now();
  for (const name of OBJECTS) await tenant.remove(name);
  await until(options, 'everything to be gone', () => isGone(tenant));
  reached('gone');
  return { revokedElsewhere, settled, live: alive, quietSince, deletedAt, left: await nobodysLeft(options) };
}

async function liveOrders(options: LifeOptions): Promise<void> {
  const { tenant, reached } = options;
  const first = await served(options, 'orders', () => true);
  reached('orders ready');
  // Whatever is leased from now on lives for an hour: only the first lease is due.
  await tenant.liveLong('orders');
  await served(options, 'orders', ({ id }) => id !== first.id);
  reached('orders rotated');
  const generation = await tenant.retarget('orders', 'returns');
  const third = await served(
    options,
    'orders',
    ({ lease }) =>
      lease?.status.lease?.dynamicSecret === 'returns' && lease.status.observedGeneration === generation,
  );
  reached('orders retargeted');
  await tenant.deleteSecret('orders');
  await served(options, 'orders', ({ secret }) => secret?.uid !== third.secret?.uid);
  reached('orders: Secret is back');
}

async function liveStock(options: LifeOptions): Promise<Course['revokedElsewhere']> {
  const { tenant, reached } = options;
  const first = await served(options, 'stock', () => true);
  reached('stock ready');
  const at = Date.now();
  await tenant.revokeElsewhere(first.id);
  const second = await served(options, 'stock', ({ id }) => id !== first.id);
  reached('stock: outside revocation healed');
  await tenant.editSecret('stock');
  await served(options, 'stock', ({ id }) => id !== second.id);
  reached('stock: edited Secret healed');
  return { id: first.id, at };
}

/** Waits until an object is ready as the probe wants it. */
async function served(
  options: LifeOptions,
  name: ObjectName,
  probe: (view: Served) => boolean,
): Promise<Served> {
  return until(options, `${name} to be as wanted`, async () => {
    const view = servedView(await options.tenant.view(name));
    return view !== undefined && probe(view) ? view : undefined;
  });
}

function servedView(view: View): Served | undefined {
  const { lease, secret } = view;
  const id = lease?.status.lease?.id;
  const agree = id !== undefined && secret?.lease === id;
  return agree && lease !== undefined && isReady(lease) ? { ...view, id } : undefined;
}

/** Replaced leases that have ended by themselves leave the status with the next write: none is made for that. */
function stillRetires({ lease }: View): boolean {
  return lease?.status.retiring?.some(({ expireAt }) => Date.parse(expireAt) > Date.now()) === true;
}

/** Waits until both are served, nothing retires any more, and nothing lives that nobody names. */
function settle(options: LifeOptions): Promise<Course['settled']> {
  const { tenant, pardoned } = options;
  const probe = async (): Promise<Course['settled'] | undefined> => {
    const [orders, stock] = await Promise.all([tenant.view('orders'), tenant.view('stock')]);
    const both = [servedView(orders), servedView(stock)];
    const named = new Set([...pardoned(), ...both.map((view) => view?.id ?? '')]);
    const alone = (await tenant.live()).every((id) => named.has(id));
    const restful = both.every((view) => view !== undefined && !stillRetires(view));
    return alone && restful ? { orders, stock } : undefined;
  };
  return until(options, 'everything to be settled', probe, SWEPT_WITHIN + timing.overlap);
}

async function isGone(tenant: Tenant): Promise<boolean> {
  const views = await Promise.all(OBJECTS.map((name) => tenant.view(name)));
  const gone = views.every(({ lease, secret }) => lease === undefined && secret === undefined);
  return gone && !(await tenant.connectionHeld());
}

/** What lives on without a pardon when its time is over. */
async function nobodysLeft(options: LifeOptions): Promise<readonly string[]> {
  const { tenant, pardoned } = options;
  const left = async (): Promise<readonly string[]> => {
    const pardon = pardoned();
    return (await tenant.live()).filter((id) => !pardon.has(id));
  };
  const none = async (): Promise<boolean> => (await left()).length === 0;
  await until(options, 'the last lease to be gone', none, SWEPT_WITHIN).catch(() => undefined);
  return left();
}
