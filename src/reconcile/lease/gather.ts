import { fault } from '../../errors.ts';
import { leasesOf } from '../../lease/deletion.ts';
import type { ConnectionView, DecisionInput, FormerSecret, SecretView } from '../../lease/input.ts';
import { isDressed, type Dress } from '../../secret/manifest.ts';
import { recordOf } from '../../secret/ownership.ts';
import { shapeView } from '../../secret/shape.ts';
import { admission } from '../connection/admission.ts';
import type { ConnectionRecord, LeaseRecord, SecretRecord } from '../ports.ts';
import type { Link } from '../connection/link.ts';
import { claimOf, forerunnerOf, rivalOf } from './claims.ts';
import { secretKeyOf, type LeasePass } from './context.ts';
import { absenceOf, ownObject } from './presence.ts';
import { nothing, resolve } from './resolve.ts';

/**
 * Everything that a decision about one object may see. What does not exist is left out; nothing here throws because
 * of the state of the world. Only the first use of a connection asks a server (for its time, and to log in).
 */
export async function gather(pass: LeasePass): Promise<DecisionInput> {
  const { cluster, clock, timing } = pass;
  const absence = ownObject(pass) === undefined ? await absenceOf(pass) : undefined;
  // The look may have brought it back into view.
  const object = ownObject(pass);
  const connection = object === undefined ? noConnection : await connectionOf(pass, object);
  const input: DecisionInput = {
    object,
    ...(absence === undefined ? {} : { absence }),
    target: object === undefined ? nothing : resolve(cluster, object),
    connection,
    secret: object === undefined ? { state: 'absent' } : secretOf(pass, object),
    formers: object === undefined ? [] : formersOf(pass, object),
    shape: shapeView(object?.spec.valid === true ? object.spec.value.secret : undefined),
    memory: pass.memory(),
    now: { elapsed: clock.elapsed(), lease: serverTime(pass, object), kube: cluster.now() },
    unreachable: new Set(),
    install: pass.install,
    nudgesPods: cluster.pods !== undefined,
    timing,
  };
  return { ...input, unreachable: unreachable(pass, input) };
}

const noConnection: ConnectionView & { state: 'refused' } = {
  state: 'refused',
  fault: fault('ConnectionNotFound', { kind: 'InfisicalConnection', name: '' }),
  again: undefined,
  identity: undefined,
  revision: '',
};

async function connectionOf(pass: LeasePass, object: LeaseRecord): Promise<ConnectionView> {
  const { cluster, links } = pass;
  const revision = connectionRevision(pass, object);
  const admitted = admission(cluster, object);
  if (admitted === undefined) {
    const link = formerLink(pass, object);
    return link === undefined ? { ...noConnection, revision } : viewOf(link, revision);
  }
  // Nobody is asked anything for an object that may not use the connection.
  if (!admitted.admitted) return { ...noConnection, fault: admitted.fault, revision };
  const found = links.of(admitted.connection);
  return found.ok ? viewOf(found.link, revision) : { ...noConnection, fault: found.fault, revision };
}

async function viewOf(link: Link, revision: string): Promise<ConnectionView> {
  const { identity } = link;
  const state = await link.ready();
  if (state.state === 'failed') return { ...state, state: 'refused', identity, revision };
  return { state: 'usable', identity, revision };
}

/**
 * Where the DynamicSecret is gone that would name the connection: the way by which the object has leased. Nothing more is
 * leased by it, but what there is can still be found and revoked.
 */
function formerLink(
  { links }: Pick<LeasePass, 'links'>,
  { namespace, spec, status, asked }: LeaseRecord,
): Link | undefined {
  const identity = status.lease?.connection ?? asked.at(-1)?.connection;
  return spec.valid && identity !== undefined ? links.towards(namespace, identity) : undefined;
}

/** Changes with the connection's spec, and when another takes its name. */
function revisionOf(connection: ConnectionRecord | undefined): string {
  return connection === undefined ? '' : `${connection.uid}/${String(connection.generation)}`;
}

/** The {@link ConnectionView} revision that an object's failures are to be remembered with. */
export function connectionRevision({ cluster }: LeasePass, object: LeaseRecord | undefined): string {
  if (object === undefined) return '';
  const declared = resolve(cluster, object).revision;
  const own = revisionOf(admission(cluster, object)?.connection);
  return declared === '' ? own : `${own} ${declared}`;
}

/** The time of the server that the object leases from, milliseconds since 1970; undefined while it is not known. */
export function serverTime(
  { cluster, links }: Pick<LeasePass, 'cluster' | 'links'>,
  object: LeaseRecord | undefined,
): number | undefined {
  if (object === undefined) return undefined;
  const admitted = admission(cluster, object);
  if (admitted === undefined) return formerLink({ links }, object)?.client.now();
  const found = admitted.connection === undefined ? undefined : links.of(admitted.connection);
  return found?.ok === true ? found.link.client.now() : undefined;
}

function secretOf(pass: LeasePass, object: LeaseRecord): SecretView {
  const secret = pass.cluster.secrets.get(secretKeyOf(object)) ?? pass.memory().strayed;
  if (secret === undefined || (object.deletedAt !== undefined && secret.terminating))
    return unowned(pass, object, 'absent');
  const claim = claimOf(pass, object, secret);
  if (claim === 'foreign') return { state: 'foreign', by: rivalOf(pass, object, secret) };
  if (claim === 'free') return unowned(pass, object, 'free');
  const { uid, resourceVersion } = secret;
  const record = recordOf(secret);
  const dressed = isDressed(secret, record, dressOf(object));
  return { state: 'ours', uid, resourceVersion, record, data: dataOf(pass, object, secret), dressed };
}

/** Of several objects that name a Secret which nobody has, one comes first. */
function unowned(pass: LeasePass, object: LeaseRecord, state: 'absent' | 'free'): SecretView {
  const by = object.deletedAt === undefined ? forerunnerOf(pass, object) : undefined;
  return by === undefined ? { state } : { state: 'foreign', by };
}

/** The Secrets of an object by other names than the one that it has now. */
function formersOf({ cluster }: LeasePass, object: LeaseRecord): readonly FormerSecret[] {
  const present = secretKeyOf(object);
  return cluster.secrets
    .ownedBy(object.uid)
    .filter(({ key, terminating }) => key !== present && !terminating)
    .map((secret) => {
      const { name, uid, resourceVersion } = secret;
      return { name, uid, resourceVersion, lease: recordOf(secret)?.lease };
    });
}

/** Whether somebody has changed the data: nobody where the last write was ours, else the last look tells. */
function dataOf(
  pass: LeasePass,
  { status }: LeaseRecord,
  secret: SecretRecord,
): (SecretView & { state: 'ours' })['data'] {
  const { written, inspected } = pass.memory();
  const isThis = (one: { uid: string; resourceVersion: string } | undefined): boolean =>
    one?.uid === secret.uid && one.resourceVersion === secret.resourceVersion;
  if (isThis(written) || isThis(status.secret)) return 'intact';
  if (inspected === undefined || !isThis(inspected)) return 'unknown';
  return inspected.digest === recordOf(secret)?.digest ? 'intact' : 'edited';
}

/** The labels and annotations that a spec asks for, and the object's shard. */
export function dressOf(object: LeaseRecord): Dress {
  const secret = object.spec.valid ? object.spec.value.secret : undefined;
  return { labels: secret?.labels ?? {}, annotations: secret?.annotations ?? {}, shard: object.shard };
}

/** Ids of the leases that no connection leads to any more. They matter only where something is to be revoked. */
function unreachable(pass: LeasePass, input: DecisionInput): ReadonlySet<string> {
  const { object, memory } = input;
  const revokes = object?.deletedAt !== undefined || memory.discarded.length > 0 || object === undefined;
  if (!revokes) return input.unreachable;
  const lost = leasesOf(input).filter((ref) => pass.clientFor(ref) === undefined);
  return new Set(lost.map((ref) => ref.id));
}
