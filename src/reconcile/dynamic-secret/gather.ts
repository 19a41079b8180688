import type { ConnectionView, DecisionInput } from '../../dynamic-secret/input.ts';
import { declaredTarget, named } from '../../dynamic-secret/targets.ts';
import { parseInstant } from '../../instant.ts';
import type { DynamicSecretRecord, LeaseRecord } from '../ports.ts';
import type { DynamicSecretPass } from './context.ts';
import type { Subject } from './subject.ts';
import { sourcesOf } from './sources.ts';
import { wayOf } from './way.ts';

/**
 * Everything that a decision about one DynamicSecret may see. What does not exist is left out; nothing here throws
 * because of the state of the world. Only the first use of a connection asks a server (for its time, and to log in), and
 * only a new spec, or news of a Secret, has the sources looked at.
 */
export async function gather(pass: DynamicSecretPass, { known }: Subject): Promise<DecisionInput> {
  const { cluster, clock, timing } = pass;
  const connection = await connectionOf(pass, known);
  const sources = await sourcesOf(pass, known);
  return {
    object: known,
    connection,
    sources,
    users: usersOf(pass, known),
    held: heldNames(pass, known, connection),
    namespaceEnding: cluster.isEnding(pass.namespace),
    memory: pass.memory(),
    now: { elapsed: clock.elapsed(), kube: cluster.now() },
    timing,
  };
}

function heldNames(
  { cluster }: DynamicSecretPass,
  { uid, spec, status }: DynamicSecretRecord,
  connection: ConnectionView,
): readonly string[] {
  const host = connection.identity?.host;
  if (!spec.valid || host === undefined) return [];
  const declared = declaredTarget(spec.value);
  const names = [...new Set([declared.dynamicSecret, status.intent?.name ?? declared.dynamicSecret])];
  const isOthers = (name: string): boolean => {
    // Of two that both have it by their status one must give way, or neither would make again what is lost.
    const isOwn = status.place?.name === name;
    const holders = cluster.dynamicSecrets.holdersOf(host, named(declared, name));
    return holders.some((other) => other.uid !== uid && !(isOwn && uid < other.uid));
  };
  return names.filter(isOthers);
}

async function connectionOf(pass: DynamicSecretPass, object: DynamicSecretRecord): Promise<ConnectionView> {
  const way = wayOf(pass, object);
  const { revision } = way;
  if (!way.open) {
    return { state: 'refused', fault: way.fault, again: undefined, identity: way.identity, revision };
  }
  const { identity } = way.link;
  const state = await way.link.ready();
  if (state.state === 'failed') return { ...state, state: 'refused', identity, revision };
  return { state: 'usable', identity, revision };
}

/**
 * The leases that are not gone: one that is being deleted stays until its leases are revoked. A removal has to wait for
 * those as well that refer to another DynamicSecret by now and have, for as long as it takes to replace them, leases of this
 * one.
 */
function usersOf(
  { cluster, key, namespace }: DynamicSecretPass,
  { deletedAt, status }: DynamicSecretRecord,
): readonly string[] {
  const id = deletedAt === undefined ? undefined : status.dynamicSecret?.id;
  const others = id === undefined ? [] : cluster.leases.inNamespace(namespace);
  const users = [
    ...cluster.leases.ofDynamicSecret(key),
    ...others.filter((one) => lives(one, id, cluster.now())),
  ].filter((one) => one.hasFinalizer || one.deletedAt === undefined);
  return [...new Set(users.map(({ name }) => name))].sort();
}

/** Whether a lease of a dynamic secret lives that the object knows of. */
function lives({ status }: LeaseRecord, id: string | undefined, now: number): boolean {
  return [status.lease, ...(status.retiring ?? [])].some(
    (ref) => ref?.dynamicSecretId === id && (parseInstant(ref?.expireAt) ?? 0) > now,
  );
}
