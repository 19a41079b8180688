import assert from 'node:assert/strict';

import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { fedStore, type FedStore, type StoreRecord } from '../../../src/kube/store.ts';

/** A change that an API server has made; `record` is undefined for a deletion. */
interface Change {
  readonly version: number;
  readonly uid: string;
  readonly record: StoreRecord | undefined;
}

/** An API server with one object name, a watch of it, and answers to own writes that are still on their way. */
class Server {
  readonly changes: Change[] = [];
  readonly answers: Change[] = [];
  /** How many changes the watch has told. */
  watched = 0;

  get current(): StoreRecord | undefined {
    return this.changes.at(-1)?.record;
  }

  change(remove: boolean, isOwn: boolean): void {
    const version = this.changes.length + 1;
    const uid = this.current?.uid ?? `uid-${String(version)}`;
    const gone = remove && this.current !== undefined;
    const record = gone ? undefined : { key: 'a', uid, resourceVersion: String(version) };
    const made = { version, uid, record };
    this.changes.push(made);
    if (isOwn) this.answers.push(made);
  }
}

interface List {
  readonly since: number;
  readonly version: number;
  readonly records: readonly StoreRecord[];
}

type Action = 'change' | 'remove' | 'own change' | 'own remove' | 'watch' | 'answer' | 'list' | 'listed';

/** A store at the other end of the wire, where everything may be late. */
class Client {
  readonly server = new Server();
  readonly store: FedStore<StoreRecord> = fedStore({ indexes: {} });
  /** What a subscriber makes of what it hears. */
  mirror: StoreRecord | undefined;
  list: List | undefined;

  constructor() {
    this.store.subscribe((_key, before, after) => {
      assert.deepEqual(before, this.mirror);
      assert.ok(before?.uid !== after?.uid || before?.resourceVersion !== after?.resourceVersion, 'an echo');
      if (before !== undefined && after !== undefined) {
        assert.equal(after.uid, before.uid);
        assert.ok(Number(after.resourceVersion) > Number(before.resourceVersion), 'a step back');
      }
      this.mirror = after;
    });
  }

  do(action: Action, chance: number): void {
    const { server } = this;
    const actions: Record<Action, () => void> = {
      change: () => server.change(false, false),
      remove: () => server.change(true, false),
      'own change': () => server.change(false, true),
      'own remove': () => server.change(true, true),
      watch: () => this.#watch(),
      answer: () => this.#answer(chance),
      list: () => this.#beginList(),
      listed: () => this.#endList(),
    };
    actions[action]();
    assert.deepEqual(this.mirror, this.store.get('a'));
  }

  settle(): void {
    this.do('listed', 0);
    while (this.server.answers.length > 0) this.do('answer', 0);
    while (this.server.watched < this.server.changes.length) this.do('watch', 0);
  }

  #watch(): void {
    const change = this.server.changes[this.server.watched];
    // The watch ends when a list is asked for, and goes on from that list.
    if (change === undefined || this.list !== undefined) return;
    this.server.watched += 1;
    if (change.record === undefined) this.store.remove('a', change.uid, String(change.version));
    else this.store.apply(change.record);
  }

  #answer(chance: number): void {
    const { answers } = this.server;
    const [change] = answers.splice(Math.floor(chance * answers.length), 1);
    if (change?.record !== undefined) this.store.observe(change.record);
    else if (change !== undefined) this.store.observeDeleted('a', change.uid);
  }

  #beginList(): void {
    if (this.list !== undefined) return;
    const { current, changes } = this.server;
    const records = current === undefined ? [] : [current];
    this.list = { since: this.store.beginReplace(), version: changes.length, records };
  }

  #endList(): void {
    if (this.list === undefined) return;
    const { since, version, records } = this.list;
    this.list = undefined;
    this.server.watched = version;
    this.store.replace('', { records, resourceVersion: String(version), since });
  }
}

const action = fc.constantFrom<Action>(
  'change',
  'remove',
  'own change',
  'own remove',
  'watch',
  'watch',
  'answer',
  'answer',
  'list',
  'listed',
);

test('any interleaving of changes, events, answers and lists ends at the newest state, told step by step', () => {
  const steps = fc.array(fc.tuple(action, fc.double({ min: 0, max: 0.999, noNaN: true })), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (taken) => {
      const client = new Client();
      for (const [what, chance] of taken) client.do(what, chance);
      client.settle();
      expect(client.store.get('a')).toEqual(client.server.current);
    }),
    { numRuns: 5000 },
  );
});

test('an own write is seen as soon as it is answered, unless something newer is', () => {
  const steps = fc.array(action, { maxLength: 40 });
  fc.assert(
    fc.property(steps, (taken) => {
      const client = new Client();
      for (const what of taken) client.do(what, 0);
      client.server.change(false, true);
      const own = client.server.current;
      while (client.server.answers.length > 0) client.do('answer', 0);
      expect(client.store.get('a')).toEqual(own);
    }),
    { numRuns: 2000 },
  );
});
