import type { Mutation } from './mutation.ts';

/** Mistakes that the simulation must find. */
export const mistakes: readonly Mutation[] = [
  {
    name: 'The finalizer never comes, so a deletion overtakes the leases.',
    file: 'src/lease/policies.ts',
    find: 'judge: judgeAnnounced,',
    put: 'judge: () => undefined,',
    first: [2],
  },
  {
    name: 'The status names a lease before the Secret holds it.',
    file: 'src/reconcile/lease/reconciler.ts',
    find: 'const { inHand } = pass.memory();\n',
    put: `const { inHand } = pass.memory();
      if (inHand !== undefined)
        await pass.cluster.leases.patchStatus(pass.key, { status: { lease: inHand.ref } }).catch(() => undefined);
`,
  },
  {
    name: 'A Secret is written whatever its version.',
    file: 'src/secret/manifest.ts',
    find: "{ op: 'replace', path: '/metadata/resourceVersion', value: existing.resourceVersion },",
    put: '',
    first: [35, 99],
  },
  {
    name: 'Every 200 counts as a revocation.',
    file: 'src/reconcile/lease/revoke.ts',
    find: 'if (answer.status !== null) return revocationFault(ref);',
    put: '',
    first: [49],
  },
  {
    name: 'A lease whose delivery ended in doubt is revoked from memory.',
    file: 'src/reconcile/lease/deliver.ts',
    find: 'if (!doubtful) {',
    put: 'if (true) {',
    first: [46],
  },
  {
    name: 'The wait until a rotation is NaN.',
    file: 'src/lease/verdict.ts',
    find: ': moment - now.lease;',
    put: ': moment - Number(undefined);',
  },
  {
    name: 'Delete events are dropped.',
    file: 'src/kube/store.ts',
    find: 'if (record?.uid === uid && !isOlder({ resourceVersion }, record)) drop(record)();',
    put: '',
    first: [51],
  },
  {
    name: 'Each use of a connection opens a session of its own.',
    file: 'src/reconcile/connection/links.ts',
    find: 'if (entry === undefined || !isSame(entry.connection, connection)) {',
    put: 'if (entry === undefined || connection !== undefined) {',
  },
  {
    name: 'A request whose answer was lost counts as never made.',
    file: 'src/reconcile/lease/request.ts',
    find: "if (error instanceof RequestError && error.fate === 'unknown') {",
    put: 'if (error === undefined) {',
    first: [4],
  },
  {
    name: 'A second request is sent before the fate of the first is settled.',
    file: 'src/lease/policies.ts',
    find: "memory.open && at(memory.open.lookAt, now.elapsed, { do: 'settle', open: memory.open }),",
    put: 'memory.open && now.elapsed < 0 ? wait() : undefined,',
    first: [4],
  },
  {
    name: 'A request is remembered only once it is answered.',
    file: 'src/reconcile/lease/request.ts',
    find: 'pass.remember({ open });',
    put: '',
  },
  {
    name: 'The sweep takes leases of another installation.',
    file: 'src/reconcile/inventory/sweep.ts',
    find: `    if (tag?.install === install && !known.has(tag.object)) known.set(tag.object, objectOf(tag.object));
    return { install, `,
    put: `    if (tag !== undefined && !known.has(tag.object)) known.set(tag.object, objectOf(tag.object));
    return { install: tag?.install ?? install, `,
  },
  {
    name: 'A deletion takes the leases of another installation for its own.',
    file: 'src/reconcile/lease/account.ts',
    find: 'tag?.object === pass.uid && tag.install === pass.install',
    put: 'tag?.object === pass.uid',
    first: [25],
  },
  {
    name: 'Nobody sweeps.',
    file: 'src/reconcile/inventory/visit.ts',
    find: 'looks.push(await sweep(parts, group, { link, list }, signal));',
    put: '',
    first: [134],
  },
  {
    name: 'The report forgets the replaced leases.',
    file: 'src/lease/report.ts',
    find: 'retiring: retiringOf(input, object, current),',
    put: 'retiring: undefined,',
  },
  {
    name: 'A deletion does not wait for its revocations.',
    file: 'src/lease/deletion.ts',
    find: 'revokeFirst(input, terms) ??',
    put: '',
    first: [2],
  },
  {
    name: 'A refused delivery is followed by another lease at once.',
    file: 'src/reconcile/lease/deliver.ts',
    find: `blocked: why });
  pass.metrics.delivered(result);
  if (why !== undefined) fail(pass, why, { spent: true });`,
    put: `});
  pass.metrics.delivered(result);`,
  },
  {
    name: 'A lease that lost a conflict is not revoked.',
    file: 'src/reconcile/lease/deliver.ts',
    find: 'discarded: [...pass.memory().discarded, held.ref], blocked',
    put: 'blocked',
    first: [15],
  },
  {
    name: 'The status is written at each look.',
    file: 'src/reconcile/lease/status.ts',
    find: "if (equal(object.status, status)) return 'rest';",
    put: '',
  },
  {
    name: 'The rotation comes after the end of the lease.',
    file: 'src/lease/schedule.ts',
    find: 'const latest = span.expireAt - ahead;',
    put: 'const latest = span.expireAt + ahead;',
  },
  {
    name: 'A process that does not lead asks for leases.',
    file: 'src/reconcile/leading.ts',
    find: 'if (!mayWrite()) throw notLeading();',
    put: '',
    first: [8],
  },
  {
    name: 'The log tells the credentials.',
    file: 'src/reconcile/lease/request.ts',
    find: "pass.log.info('A lease was issued.', { lease: ref.id, cause: step.cause });",
    put: "pass.log.info('A lease was issued.', { lease: ref.id, cause: JSON.stringify(issued.data) });",
  },
  {
    name: 'The status tells the credentials.',
    file: 'src/reconcile/lease/deliver.ts',
    find: 'dynamicSecret: pass.memory().known.get(held.ref.id)?.dynamicSecret,',
    put: 'dynamicSecret: { ...pass.memory().known.get(held.ref.id)?.dynamicSecret, type: [...held.data.values()].join() },',
  },
  {
    name: 'A lease that one list lacks is gone.',
    file: 'src/lease/inventory.ts',
    find: "return asked.elapsed >= lookAt ? { state: 'gone' }",
    put: "return asked.elapsed >= 0 ? { state: 'gone' }",
  },
  {
    name: 'Two workers take the same object.',
    file: 'src/controller/queue.ts',
    find: 'if (serving.has(key)) {',
    put: 'if (serving.has(`${key} `)) {',
    first: [4],
  },
  {
    name: 'A Secret of somebody else that is in the way is written over.',
    file: 'src/secret/ownership.ts',
    find: "if (!isOwnedBy(secret, uid)) return 'foreign';",
    put: '',
  },
  {
    name: 'A lease is written however old it is.',
    file: 'src/reconcile/lease/deliver.ts',
    find: `  if (now < held.answeredAt + timing.deliveryDeadline) {
    const retryAt`,
    put: `  if (now < Infinity) {
    const retryAt`,
    first: [308],
  },
  {
    name: 'A wake-up is forgotten.',
    file: 'src/controller/controller.ts',
    find: 'if (outcome.again !== undefined) wakeBy(key, outcome.again);',
    put: '',
  },
  {
    name: 'The record is written without its credentials.',
    file: 'src/secret/manifest.ts',
    find: "{ op: 'add', path: '/data', value: encoded(content.data) },",
    put: '',
  },
  {
    name: 'The answer to an own write is not taken into the view.',
    file: 'src/kube/store.ts',
    find: 'set({ record, observed: replaces })();',
    put: '',
  },
  {
    name: 'The finalizer comes after the first request.',
    file: 'src/lease/policies.ts',
    find: "if (!object.hasFinalizer) return { step: { do: 'announce' } };",
    put: `if (!object.hasFinalizer)
    return memory.known.size === 0 && memory.open === undefined ? undefined : { step: { do: 'announce' } };`,
    first: [90],
  },
  {
    name: 'The sweep does not look at the cluster before it revokes.',
    file: 'src/reconcile/inventory/sweep.ts',
    find: 'const found = await lookFor(parts, lease);',
    put: "const found: string = 'lost';",
    first: [215],
  },
  {
    name: 'A forged record is trusted.',
    file: 'src/reconcile/lease/attest.ts',
    find: "return ours ? 'ours' : 'forged';",
    put: "return 'ours';",
    first: [703],
  },
];
