import { ADOPT_ANNOTATION } from '../../../src/api/names.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import { standardTiming } from '../../../src/timing.ts';
import { type ApiEvent, type ApiObject, keyOf } from '../../unit/reconcile/support/api-server.ts';
import type { Actor, Made } from '../ledger.ts';
import { commitOf, isOwned } from '../view.ts';
import type { World } from '../world.ts';
import type { Ground } from './ground.ts';

/** From the request to the last moment at which the Kubernetes API may take the write of its lease. */
const LATEST_WRITE =
  standardTiming.leaseRequestDeadline + standardTiming.deliveryDeadline + standardTiming.kubeRequestDeadline;

const LATE = 'its time is over';

/** I3: credentials and lease never disagree. I5: nothing foreign is touched. And no write comes late. */
export function checkSecretWrite(
  ground: Ground,
  { type, object }: ApiEvent,
  before: ApiObject | undefined,
  actor: Actor,
): void {
  const { world } = ground;
  const key = keyOf(object);
  const owner = ownerOf(object);
  if (
    before !== undefined &&
    (owner === undefined ? !mayRelease(ground, object, before) : !mayWrite(ground, owner, before))
  ) {
    world.violate('I5', `${actor.name} changes Secret ${key}, which is nobody's of the operator.`);
  }
  if (owner === undefined) return;
  if (type === 'removed' || (sameData(object, before) && sameLease(object, before))) return;
  world.edited.delete(key);
  checkCredentials(world, object, owner, actor);
}

/** What stays behind by `deletionPolicy: Retain` loses the operator's marks, and nothing else. */
function mayRelease(ground: Ground, after: ApiObject, before: ApiObject): boolean {
  const { spec, uid } = ground.object(ownerOf(before) ?? '')?.lease ?? {};
  const retains = spec?.valid === true && spec.value.secret?.deletionPolicy === 'Retain';
  return (retains || ground.isFresh(ground.changed.get(uid ?? ''))) && sameData(after, before);
}

function mayAdopt(lease: LeaseRecord | undefined, { metadata }: ApiObject): boolean {
  const adopts = lease?.spec.valid === true && lease.spec.value.secret?.adoption === 'Adopt';
  return adopts && metadata.annotations?.[ADOPT_ANNOTATION] === lease.name;
}

/** Its own; one that offers itself to it; one of an object that names another by now. */
function mayWrite(ground: Ground, owner: string, before: ApiObject): boolean {
  if (isOwned(before, owner)) return true;
  const holder = ownerOf(before);
  if (holder === undefined) return mayAdopt(ground.object(owner)?.lease, before);
  const { secretKey } = ground.object(holder) ?? {};
  return (
    secretKey !== undefined && (secretKey !== keyOf(before) || ground.isFresh(ground.changed.get(holder)))
  );
}

function checkCredentials(world: World, secret: ApiObject, owner: string | undefined, actor: Actor): void {
  const named = commitOf(secret)?.lease.id ?? '';
  const made = world.leases.made.get(named);
  const problem =
    made === undefined || made.object !== owner ? "another's lease" : problemOf(world, secret, made);
  if (problem === undefined) return;
  const invariant = problem === LATE ? 'guard' : 'I3';
  world.violate(invariant, `${actor.name} writes ${keyOf(secret)} with ${named}: ${problem}.`);
}

function problemOf(world: World, secret: ApiObject, made: Made): string | undefined {
  const password = Buffer.from(secret.data?.['DB_PASSWORD'] ?? '', 'base64').toString();
  if (password !== made.password) return 'other credentials';
  return world.time.now > made.madeAt + LATEST_WRITE ? LATE : undefined;
}

/** The object that a Secret of the operator belongs to. */
function ownerOf({ metadata }: ApiObject): string | undefined {
  return metadata.ownerReferences?.[0]?.uid;
}

function sameLease(one: ApiObject, other: ApiObject | undefined): boolean {
  return other !== undefined && commitOf(one)?.lease.id === commitOf(other)?.lease.id;
}

function sameData(one: ApiObject, other: ApiObject | undefined): boolean {
  return JSON.stringify(one.data) === JSON.stringify(other?.data);
}
