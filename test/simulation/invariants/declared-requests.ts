import { DYNAMIC_SECRET_FINALIZER } from '../../../src/api/names.ts';
import type { DynamicSecretRecord } from '../../../src/reconcile/ports.ts';
import { standardTiming } from '../../../src/timing.ts';
import type { DeclaredRow } from '../declared/row.ts';
import { type DeclaredAct, markIn } from '../declared/server.ts';
import { declarationsOf } from '../declared/view.ts';
import type { Ground } from './ground.ts';
import { unjustified } from './justified.ts';

/** Within so long it is noticed that somebody has put another in the place of a dynamic secret. */
const NOTICED = 1.3 * standardTiming.inventoryInterval + 60_000;

/** What a request is judged by. */
export interface Bench {
  readonly ground: Ground;
  /** Whether nobody can see whose a dynamic secret is. */
  readonly blind: boolean;
  /** Objects that could not know that what they found is another's. */
  readonly deceived: ReadonlySet<string>;
  /** Objects that may take over what is there, or might when the request was sent. */
  readonly adopters: ReadonlySet<string>;
}

export interface Problem {
  readonly invariant: string;
  readonly why: string;
}

const d2 = (why: string): Problem => ({ invariant: 'D2', why });
const d3 = (why: string): Problem => ({ invariant: 'D3', why });

/** What is wrong with a request of the operator. */
export function requestProblem(bench: Bench, act: DeclaredAct): Problem | undefined {
  switch (act.what) {
    case 'create':
      return ofCreation(bench, act);
    case 'update':
      return ofUpdate(bench, act);
    case 'remove':
      return ofRemoval(bench, act);
  }
}

/** Nothing is made before the object says that it may be. */
function ofCreation(bench: Bench, { row, mark }: DeclaredAct): Problem | undefined {
  const object = objectOf(bench, mark);
  if (object === undefined) return d2('there is no object that it is made for');
  if (!object.finalizers.includes(DYNAMIC_SECRET_FINALIZER)) return d2('its object can go before it');
  const { intent, place } = object.status;
  const says = [intent?.name, place?.name].includes(row.shown.name);
  return says ? undefined : d2('its object does not say so beforehand');
}

function ofUpdate(bench: Bench, act: DeclaredAct): Problem | undefined {
  const { row, asker, mark, change } = act;
  if (mark !== undefined && mark !== row.owner) return ofAdoption(bench, act, mark);
  const object = objectOf(bench, row.owner);
  const foreign = ofForeign(bench, act, object);
  if (foreign !== undefined || object === undefined || change === undefined) return foreign;
  // What arrives late has been asked for on other terms, and who has just begun may have seen an old list.
  if (!asker.actor.acts || asker.actor.knowsFrom > bench.ground.world.time.now) return undefined;
  const extra = unjustified(bench.ground.world, object, row, change);
  if (extra.length === 0) return undefined;
  return { invariant: 'D4', why: `${extra.join(', ')} was sent before, and is as declared` };
}

function ofAdoption(bench: Bench, { row, asker }: DeclaredAct, mark: string): Problem | undefined {
  const object = objectOf(bench, mark);
  if (object?.namespace !== asker.namespace) return d3('it is taken for nobody');
  if (believes(bench, object, row)) {
    const mayBelieve = bench.deceived.has(mark) || mayErr(bench, row);
    return mayBelieve ? undefined : d3('another is in its place');
  }
  if (!bench.adopters.has(mark)) return d3(`${object.key} may not take it over`);
  return isSeen(bench, row) ? d3('its mark is another’s') : undefined;
}

/** Whether everybody could see whose it is: two that adopt it in one moment do not, and neither does anybody whose look was before that. */
function isSeen(bench: Bench, row: DeclaredRow): boolean {
  const isMarked = row.owner !== undefined && markIn(row.shown.metadata) === row.owner;
  return isMarked && !isFresh(bench, row.unmarkedAt) && !mayErr(bench, row);
}

/** Whether an object has reason to believe that it is its own: the name is that of its own, or it may have made it. */
function believes(
  { deceived, blind }: Bench,
  { uid, status: { place, intent } }: DynamicSecretRecord,
  { shown: { name } }: DeclaredRow,
): boolean {
  return deceived.has(uid) || place?.name === name || (blind && intent?.name === name);
}

function ofRemoval(bench: Bench, act: DeclaredAct): Problem | undefined {
  const { row, forced } = act;
  const object = objectOf(bench, row.owner);
  if (object === undefined) return ofForeign(bench, act, object);
  if (object.deletedAt === undefined) return d3(`${object.key} is not being deleted`);
  if (forced === true && !object.forced) return d3(`${object.key} does not have it forced`);
  return ofForeign(bench, act, object) ?? ofUse(bench, row, object.namespace);
}

/** It is nobody's of the operator, or of another namespace. */
function ofForeign(
  bench: Bench,
  { row, asker }: DeclaredAct,
  object: DynamicSecretRecord | undefined,
): Problem | undefined {
  if (isClaimed(bench, row, asker.namespace)) return undefined;
  if (object === undefined) return mayErr(bench, row) ? undefined : d3('it is nobody’s');
  const isOwn = object.namespace === asker.namespace;
  return isOwn || mayErr(bench, row) ? undefined : d3(`it is ${object.key}'s`);
}

/** Whether an object of the namespace could not know that it is another's. */
function isClaimed({ ground, deceived }: Bench, { shown }: DeclaredRow, namespace: string): boolean {
  return declarationsOf(ground.world.kube).some(
    (one) => one.namespace === namespace && deceived.has(one.uid) && one.status.place?.name === shown.name,
  );
}

/** What pods read must not be taken away. */
function ofUse({ ground }: Bench, row: DeclaredRow, namespace: string): Problem | undefined {
  for (const made of ground.world.leases.livingNow()) {
    if (made.dynamicSecretId !== row.id || ground.object(made.object)?.lease.namespace !== namespace)
      continue;
    const { lease, record } = ground.object(made.object) ?? {};
    if (lease !== undefined && lease.deletedAt === undefined && record?.lease.id === made.id)
      return d2(`the Secret of ${lease.key} names ${made.id} of it`);
  }
  return undefined;
}

/** Another has come into its place, which nobody can see, or not yet. */
function mayErr(bench: Bench, { ownedSince }: DeclaredRow): boolean {
  return bench.blind || isFresh(bench, ownedSince);
}

function isFresh({ ground }: Bench, since: number): boolean {
  return ground.world.time.now < since + NOTICED;
}

function objectOf({ ground }: Bench, uid: string | undefined): DynamicSecretRecord | undefined {
  return declarationsOf(ground.world.kube).find((one) => one.uid === uid);
}
