import type { DynamicSecretSpec, DynamicSecretStatus } from '../../../../src/api/dynamic-secret.ts';
import type { DynamicSecret, Target } from '../../../../src/api/lease.ts';
import { decide } from '../../../../src/dynamic-secret/decide.ts';
import { metadataOf } from '../../../../src/dynamic-secret/declared.ts';
import type { DecisionInput, Memory } from '../../../../src/dynamic-secret/input.ts';
import type { Brought, Plan, Step } from '../../../../src/dynamic-secret/plan.ts';
import { report } from '../../../../src/dynamic-secret/report.ts';
import { sameTarget } from '../../../../src/dynamic-secret/targets.ts';
import { fault } from '../../../../src/errors.ts';
import { standardTiming } from '../../../../src/timing.ts';
import { anIdentity, ELAPSED, NOW } from '../../../support/builders.ts';
import { aSource, aSpec, UID } from './builders.ts';
import type { Answer, ModelServer } from './model-server.ts';

/** What becomes of a request, or of a write into the status. */
export type Chance =
  | 'well'
  /** The request does not arrive, and nobody knows. */
  | 'lost'
  /** It arrives, and its answer does not. */
  | 'unanswered'
  /** It arrives a minute later. */
  | 'late'
  /** The process ends before, after, or with the request under way. */
  | 'crashBefore'
  | 'crashAfter'
  | 'crashLate';

/** A change of settings that arrives late could undo a later one; what that leaves is drift, and none of this. */
const inTime: Readonly<Record<Chance, Chance>> = {
  well: 'well',
  lost: 'lost',
  unanswered: 'unanswered',
  late: 'unanswered',
  crashBefore: 'crashBefore',
  crashAfter: 'crashAfter',
  crashLate: 'crashAfter',
};

type Sent = Step & { readonly do: 'create' | 'update' | 'remove' };

function mayBeLate(step: Sent): boolean {
  return step.do === 'create' || (step.do === 'update' && step.change.newName !== undefined);
}

const noMemory: Memory = {
  sighting: undefined,
  sightingOfNewName: undefined,
  listing: undefined,
  failures: undefined,
  doubtful: false,
  revocations: new Map(),
};

const unseen = { sighting: undefined, sightingOfNewName: undefined, listing: undefined };

/** One object, its operator as the model of the reconciler has it, and the server. */
export class ModelWorld {
  readonly server: ModelServer;
  spec: DynamicSecretSpec = aSpec({ name: 'a', inputsFrom: [] });
  status: DynamicSecretStatus = {};
  generation = 1;
  hasFinalizer = false;
  deletedAt: number | undefined;
  gone = false;
  left: string | undefined;
  memory: Memory = noMemory;
  /** This process wrote the intent, and knows the fate of all that was sent for it. */
  #accounted = false;
  #elapsed = ELAPSED;
  #late: { readonly at: number; readonly run: () => void }[] = [];

  constructor(server: ModelServer) {
    this.server = server;
  }

  change(spec: Partial<DynamicSecretSpec>): void {
    this.spec = { ...this.spec, ...spec };
    this.generation += 1;
  }

  delete(): void {
    this.deletedAt ??= this.#kube();
    this.gone = !this.hasFinalizer;
  }

  pass(ms: number): void {
    this.#elapsed += ms;
    const due = this.#late.filter(({ at }) => at <= this.#elapsed);
    this.#late = this.#late.filter(({ at }) => at > this.#elapsed);
    for (const { run } of due) run();
  }

  input(): DecisionInput {
    return {
      object: {
        namespace: 'shop',
        name: 'orders',
        uid: UID,
        generation: this.generation,
        forced: false,
        deletedAt: this.deletedAt,
        hasFinalizer: this.hasFinalizer,
        status: this.status,
        spec: { valid: true, value: this.spec },
      },
      connection: { state: 'usable', identity: anIdentity(), revision: 'r1' },
      sources: { state: 'known', sources: this.spec.inputsFrom?.length === 0 ? [] : [aSource()] },
      users: [],
      held: [],
      namespaceEnding: false,
      memory: this.memory,
      timing: standardTiming,
      now: { elapsed: this.#elapsed, kube: this.#kube() },
    };
  }

  /** One decision and what comes of it; waits are waited out. */
  turn(chance: Chance): Plan {
    const input = this.input();
    const plan = decide(input);
    this.#act(plan.step, input, chance);
    if (!this.gone && (plan.step.do === 'wait' || plan.step.do === 'refuse'))
      this.#write(report(this.input(), plan.step.do === 'refuse' ? plan.step.fault : undefined), 'well');
    this.pass(plan.step.do === 'wait' || plan.step.do === 'refuse' ? (plan.again ?? 1000) : 50);
    return plan;
  }

  #act(step: Step, input: DecisionInput, chance: Chance): void {
    switch (step.do) {
      case 'wait':
      case 'refuse':
        return;
      case 'claim':
        this.#guarded(chance, () => {
          this.hasFinalizer = true;
        });
        return;
      case 'dropFinalizer':
        this.#guarded(chance, () => {
          this.gone = true;
          this.left = step.left;
        });
        return;
      case 'look':
      case 'list':
        this.#ask(step, chance);
        return;
      case 'intend':
        if (this.#write(report(input, undefined, { did: 'intended', intent: step.intent }), chance)) {
          this.#accounted = step.intent !== undefined;
          this.#remember({ surelyRefused: undefined });
        }
        return;
      case 'acknowledge':
        this.#write(report(input, undefined, { did: 'acknowledged', target: step.target }), chance);
        return;
      case 'forget':
        if (this.#write(report(input, undefined, { did: 'lost' }), chance)) {
          this.#accounted = false;
          this.#remember({ surelyRefused: undefined });
        }
        return;
      case 'revoke':
        this.#revoke(step.target, step.lease, chance);
        return;
      case 'create':
      case 'update':
      case 'remove':
        this.#send(step, input, chance);
    }
  }

  #send(step: Sent, input: DecisionInput, chance: Chance): void {
    const answer = this.#deliver(() => this.#request(step), mayBeLate(step) ? chance : inTime[chance]);
    this.#await();
    if (answer === 'crashed') return;
    if (answer === 'unknown') this.#accounted = false;
    if (answer === 'unknown' || !answer.ok) {
      const surelyRefused = this.#accounted ? true : this.memory.surelyRefused;
      this.#remember({ ...unseen, doubtful: answer === 'unknown', surelyRefused });
      this.#fail();
      return;
    }
    this.#accounted = false;
    const brought = this.#succeeded(step, answer.dynamicSecret);
    this.#write(report(input, undefined, brought), 'well');
  }

  #request(step: Sent): Answer {
    const { dynamicSecret: name } = step.target;
    const { defaultTTL, maxTTL = null } = this.spec;
    const metadata = metadataOf(this.spec, UID);
    switch (step.do) {
      case 'create':
        return this.server.make(name, { defaultTTL, maxTTL, metadata }, 'us');
      case 'update':
        return this.server.patch(name, step.change);
      case 'remove':
        return this.server.remove(name, step.forced);
    }
  }

  #succeeded(step: Sent, dynamicSecret: DynamicSecret): Brought {
    const { target } = step;
    const now = this.#elapsed;
    const made = { listing: undefined, failures: undefined, changedAt: now, tried: true };
    const sighting = { target, existence: 'present', leases: [], at: now, took: 0, since: now } as const;
    switch (step.do) {
      case 'create':
        this.#remember({ ...made, sighting });
        return { did: 'created', target, dynamicSecret, sources: [] };
      case 'update':
        this.#remember({ ...made, sighting });
        if (step.why === 'drift') this.#remember({ corrected: { change: step.change, at: now } });
        return { did: 'updated', target, change: step.change, dynamicSecret, sources: [] };
      case 'remove': {
        const answer = dynamicSecret.status === null ? 'gone' : 'inProcess';
        const tries = 1 + (this.memory.removal?.tries ?? 0);
        this.#remember({ ...unseen, removal: { tries, at: now, answer } });
        return { did: 'removed', dynamicSecret };
      }
    }
  }

  #deliver(request: () => Answer, chance: Chance): Answer | 'unknown' | 'crashed' {
    switch (chance) {
      case 'well':
      case 'crashAfter': {
        const answer = request();
        if (chance === 'well') return answer;
        this.#crash();
        return 'crashed';
      }
      case 'lost':
        return 'unknown';
      case 'unanswered':
        request();
        return 'unknown';
      case 'late':
      case 'crashLate':
        this.#late.push({ at: this.#elapsed + 60_000, run: request });
        if (chance === 'late') return 'unknown';
        this.#crash();
        return 'crashed';
      case 'crashBefore':
        this.#crash();
        return 'crashed';
    }
  }

  #revoke(target: Target, lease: string, chance: Chance): void {
    if (chance.startsWith('crash')) {
      this.#crash();
      return;
    }
    const done = chance === 'well' && this.server.revoke(target.dynamicSecret, lease);
    this.#await();
    const revocations = new Map([...this.memory.revocations, [lease, this.#elapsed + 5000] as const]);
    const unrevoked = done ? this.memory.unrevoked : new Set([...(this.memory.unrevoked ?? []), lease]);
    this.#remember({ revocations, unrevoked });
  }

  #ask(step: Step & { readonly do: 'look' | 'list' }, chance: Chance): void {
    if (chance.startsWith('crash')) this.#crash();
    else if (chance !== 'well') this.#fail();
    else if (step.do === 'look') this.#look(step.target);
    else this.#list(step.target);
  }

  #list({ dynamicSecret: name }: Target): void {
    const at = this.#elapsed;
    const shown = this.server.list(this.status.dynamicSecret?.id, name);
    const took = this.#await();
    this.#remember({
      listing: shown === undefined ? { state: 'hidden', at, took } : { state: 'shown', shown, at, took },
    });
  }

  #look(target: Target): void {
    const at = this.#elapsed;
    const there = this.server.find(target.dynamicSecret);
    const existence = there === undefined ? 'absent' : 'present';
    const slot = this.#slotOf(target);
    const before = this.memory[slot];
    const isSteady = before?.existence === existence && sameTarget(before.target, target);
    const since = isSteady ? before.since : at;
    const leases = [...(there?.leases ?? [])];
    const sighting = { target, existence, leases, at, took: this.#await(), since } as const;
    this.#remember({ [slot]: sighting, doubtful: false });
  }

  /** Lets the time go by that an answer takes. @returns it. */
  #await(): number {
    this.pass(this.server.latency);
    return this.server.latency;
  }

  #slotOf(target: Target): 'sighting' | 'sightingOfNewName' {
    const { place, intent } = this.status;
    const main = place?.name ?? intent?.name ?? this.spec.name;
    return target.dynamicSecret === main ? 'sighting' : 'sightingOfNewName';
  }

  #fail(): void {
    const count = 1 + (this.memory.failures?.count ?? 0);
    const nextAt = this.#elapsed + Math.min(1000 * 2 ** count, 120_000);
    const why = fault('NoAnswer', {
      host: 'https://infisical.example.com',
      request: 'create a dynamic secret',
    });
    const failures = { fault: why, count, nextAt, generation: this.generation, revision: 'r1', sources: '' };
    this.#remember({ failures, tried: true });
  }

  #remember(part: Partial<Memory>): void {
    this.memory = { ...this.memory, ...part };
  }

  /** @returns whether the process lives on, and has written it. */
  #guarded(chance: Chance, write: () => void): boolean {
    if (chance === 'lost') {
      this.#fail();
      return false;
    }
    if (chance !== 'crashBefore') write();
    if (!chance.startsWith('crash')) return true;
    this.#crash();
    return false;
  }

  #write(status: DynamicSecretStatus, chance: Chance): boolean {
    return this.#guarded(chance, () => {
      this.status = structuredClone(status);
    });
  }

  #crash(): void {
    this.memory = noMemory;
    this.#accounted = false;
  }

  #kube(): number {
    return NOW + this.#elapsed - ELAPSED;
  }
}
