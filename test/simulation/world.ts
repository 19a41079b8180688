import { standardTiming } from '../../src/timing.ts';
import { NEW_YEAR_2026 } from '../support/virtual-clock.ts';
import { type ApiEvent, type ApiObject, ApiServer, keyOf } from '../unit/reconcile/support/api-server.ts';
import type { CallName } from '../unit/reconcile/support/wire.ts';
import { DeclaredWorld } from './declared/land.ts';
import type { DeclaredAct } from './declared/server.ts';
import { Election } from './election.ts';
import { type Actor, ObservedLeaseServer } from './ledger.ts';
import type { OperatorProcess } from './process.ts';
import type { TemplateWrite } from './pods/fleet.ts';
import { PodWorld } from './pods/land.ts';
import { drawProfile, type Profile } from './profile.ts';
import { seeded, type Random } from './random.ts';
import { actOnce, type Land, settleIn } from './tenants.ts';
import type { Task } from './task.ts';
import { SimulatedTime } from './time.ts';
import { Trace } from './trace.ts';
import { Violation } from './violation.ts';
import { History } from './watches.ts';
import { Weather } from './weather.ts';
import { isWrite } from './wire.ts';

/** Makes another seed of a seed, for what is drawn apart. */
const CLOCK = 1_000_000_007;
const DECLARED = 2_000_000_011;
const PODS = 3_000_000_019;

/** In every so many-th world dynamic secrets are declared. */
const EACH = 3;

/** A clock that was set is noticed within an inventory's interval, a tenth more, and the time that a list takes. */
const NOTICED = 1.1 * standardTiming.inventoryInterval + 30_000;

/** Somebody who is not the operator. */
export const tenant: Actor = { name: 'tenant', acts: true, isOperator: false, knowsFrom: 0 };

/** What is told of the run while it goes on, for the invariants to judge. */
export interface Witness {
  /** An object of the Kubernetes API was written or removed. */
  changed(event: ApiEvent, before: ApiObject | undefined, actor: Actor): void;
  /** A lease is about to be revoked. */
  revoking(id: string, actor: Actor): void;
  /** Something is about to be done to a dynamic secret. */
  declaring(act: DeclaredAct): void;
  /** A pod template is about to be changed by the operator. */
  rolling(write: TemplateWrite): void;
  said(process: OperatorProcess, text: string): void;
  counted(process: OperatorProcess, word: string): void;
  /** A request of a process was served. */
  served(name: CallName, outcome: string): void;
}

/** Two servers, the operator's processes, and the people around them: everything drawn from one seed. */
export class World {
  readonly time = new SimulatedTime();
  readonly random: Random;
  readonly profile: Profile;
  readonly weather: Weather;
  readonly kube: ApiServer;
  readonly leases: ObservedLeaseServer;
  readonly history = new History();
  readonly trace: Trace;
  readonly election: Election;
  readonly land: Land;
  /** Undefined: nobody declares dynamic secrets. */
  readonly declared: DeclaredWorld | undefined;
  /** Undefined: nobody says what pods get. */
  readonly pods: PodWorld | undefined;
  /** Secrets that a tenant changed since the operator last wrote their data: until then they hold what he likes. */
  readonly edited = new Set<string>();
  /** Until when nothing can be demanded; by namespace, and of everybody under the empty name. */
  readonly troubled = new Map<string, number>();
  witness: Witness | undefined;
  violation: Violation | undefined;
  #actor: Actor = tenant;
  readonly #kubeWall: number;

  constructor({
    seed,
    trace: traceAll,
    steady = false,
    declares = seed % EACH === 0,
    pods = seed % EACH === 1,
  }: Task) {
    this.random = seeded(seed);
    // Drawn apart, so that worlds without such steps are what they were.
    const clock = seeded(seed + CLOCK);
    const profile = drawProfile(this.random, !steady && clock.chance(0.3) ? clock.next() * 6 : 0);
    this.profile = profile;
    this.weather = new Weather(this.random.fork(), { ...profile, until: profile.busy });
    this.trace = new Trace(() => this.time.now, traceAll);
    this.#kubeWall = NEW_YEAR_2026 + profile.skew;
    this.kube = new ApiServer(
      () => this.kubeNow(),
      (event) => this.#told(event),
    );
    this.leases = new ObservedLeaseServer(this.time, NEW_YEAR_2026, tenant);
    Object.assign(this.leases, {
      tags: profile.tags,
      missing: profile.missing,
      shows: profile.shows,
      lag: profile.lag,
      maximum: profile.maximum,
    });
    this.leases.onRevoke = (id) => this.witness?.revoking(id, this.#actor);
    this.declared = declares ? this.#declaredWorld(seeded(seed + DECLARED)) : undefined;
    this.pods = pods ? this.#podWorld(seeded(seed + PODS)) : undefined;
    this.election = new Election(this.#processParts(), () => this.#processOptions());
    this.land = {
      random: this.random.fork(),
      kube: this.kube,
      leases: this.leases,
      edited: (secretKey) => void this.edited.add(secretKey),
      later: (delay, act) => void this.time.after(delay, act, false),
    };
  }

  kubeNow(): number {
    return this.#kubeWall + this.time.now;
  }

  /** A moment of the Kubernetes API's clock, in simulated milliseconds. */
  kubeMoment(instant: number): number {
    return instant - this.#kubeWall;
  }

  trouble(namespace: string, until: number): void {
    this.troubled.set(namespace, Math.max(this.troubled.get(namespace) ?? 0, until));
  }

  /** Sets everything going. */
  begin(): void {
    settleIn(this.land);
    this.declared?.begin();
    this.pods?.makeAmends();
    for (let count = 0; count < this.profile.replicas; count += 1) this.election.start();
    const { tenants, crashes, suspensions, freezes, mischief } = this.profile;
    this.#often(tenants, () => {
      const done = actOnce(this.land, mischief);
      if (done === undefined) return;
      this.trace.note('tenant', done);
      for (const namespace of ['shop', 'team']) {
        if (done.includes(namespace)) this.trouble(namespace, this.time.now + 5000);
      }
    });
    this.#often(crashes, () => {
      const process = this.#anyProcess();
      if (this.random.chance(0.3)) void process?.drain();
      else process?.end('killed');
    });
    this.#often(suspensions, () => {
      const process = this.#anyProcess();
      const length = this.random.chance(0.5)
        ? this.random.between(1000, 20_000)
        : this.random.between(20_000, 900_000);
      if (process === undefined) return;
      this.trace.note(process.name, `stands still for ${String(Math.round(length / 1000))} s`);
      this.election.suspend(process, length);
    });
    this.#often(this.profile.clockSteps, () => this.#setClock());
    if (this.declared !== undefined) {
      const { profile, random } = this.declared;
      this.#often(profile.acts, () => this.#declareOnce(), random);
    }
    if (this.pods !== undefined) {
      const { acts, random } = this.pods;
      this.#often(acts, () => this.#actOnPods(), random);
    }
    this.#often(freezes, () => {
      const process = this.#anyProcess();
      if (process !== undefined) process.frozenUntil = this.time.now + this.random.between(1000, 300_000);
    });
  }

  /** Notes the first violation. It ends the run after the step: inside it would look like a failure of a request. */
  violate(invariant: string, message: string): void {
    this.violation ??= new Violation(invariant, message);
  }

  #declareOnce(): void {
    const done = this.declared?.actOnce();
    if (done !== undefined) this.trace.note('tenant', done);
  }

  #actOnPods(): void {
    const done = this.pods?.actOnce();
    if (done === undefined) return;
    this.trace.note('tenant', done);
    for (const namespace of ['shop', 'team'])
      if (done.includes(namespace)) this.trouble(namespace, this.time.now + 5000);
  }

  /** By seconds, minutes or, ahead alone, hours. It is noticed with the next list. */
  #setClock(): void {
    const { random, leases, time } = this;
    const step = random.pick([
      random.between(-10_000, 10_000),
      random.between(-600_000, 600_000),
      random.between(0, 36_000_000),
    ]);
    leases.setClock(step);
    this.trace.note('world', `sets the lease API's clock by ${String(Math.round(step / 1000))} s`);
    this.trouble('', time.now + NOTICED);
  }

  #anyProcess(): OperatorProcess | undefined {
    const { processes } = this.election;
    return processes[this.random.below(processes.length)];
  }

  /** Has something happen so many times an hour, at moments drawn now. */
  #often(anHour: number, act: () => void, random = this.random): void {
    const count = Math.round((anHour * this.profile.busy) / 3_600_000);
    for (let done = 0; done < count; done += 1) this.time.at(random.next() * this.profile.busy, act);
  }

  #declaredWorld(random: Random): DeclaredWorld {
    const { time, kube, leases, profile, weather } = this;
    const declared = new DeclaredWorld({
      random,
      time,
      kube,
      leases,
      busy: profile.busy,
      keeps: profile.tags === 'kept',
      missing: profile.missing,
      isStubborn: () => weather.isStubborn(time.now),
      later: (delay, act) => void time.after(delay, act, false),
    });
    declared.server.onAct = (act) => this.witness?.declaring(act);
    return declared;
  }

  #podWorld(random: Random): PodWorld {
    const { time, kube, profile } = this;
    const pods = new PodWorld({
      random,
      time,
      kube,
      busy: profile.busy,
      edited: (secretKey) => void this.edited.add(secretKey),
      later: (delay, act) => void time.after(delay, act, false),
    });
    pods.fleet.onWrite = (write) => this.witness?.rolling(write);
    return pods;
  }

  #processOptions(): { death: { at: number; when: 'before' | 'after' } | undefined; listAge: number } {
    const { random, profile } = this;
    const dies = !this.weather.isOver(this.time.now) && random.chance(profile.deaths);
    return {
      death: dies
        ? { at: 1 + random.below(random.pick([10, 100])), when: random.pick(['before', 'after']) }
        : undefined,
      listAge: random.chance(profile.lateness) ? random.below(12) : 0,
    };
  }

  #processParts(): ConstructorParameters<typeof Election>[0] {
    const { time, weather, kube, leases, history, profile } = this;
    return {
      time,
      weather,
      kube,
      leases,
      declared: this.declared,
      fleet: this.pods?.fleet,
      history,
      random: this.random.fork(),
      kubeNow: () => this.kubeNow(),
      lateness: profile.lateness,
      workers: profile.workers,
      note: (who, what) => this.trace.note(who, what),
      said: (process, text) => {
        this.trace.note(process.name, `  says ${text}`);
        this.witness?.said(process, text);
      },
      counted: (process, word) => this.witness?.counted(process, word),
      observer: {
        acting: (caller) => {
          this.#actor = caller as OperatorProcess;
          leases.actor = this.#actor;
          leases.revocation = weather.isStubborn(time.now) ? 'fails' : 'works';
        },
        acted: () => {
          this.#actor = tenant;
          leases.actor = tenant;
          leases.revocation = 'works';
        },
        troubled: (until) => this.trouble('', until),
        served: (caller, name, outcome) => {
          this.trace.note(caller.name, `${isWrite(name) ? '*' : ' '} ${name}: ${outcome}`);
          this.witness?.served(name, outcome);
        },
        usurped: ({ name }, call) => this.violate('lead', `${name} asks for "${call}" without the lead.`),
      },
    };
  }

  #told(event: ApiEvent): void {
    const { kind, type, object } = event;
    const key = keyOf(object);
    const before = this.history.latest(kind, key);
    this.history.add(event);
    this.trace.note(this.#actor.name, `  ${type} ${kind} ${key} at ${object.metadata.resourceVersion}`);
    this.witness?.changed(event, before, this.#actor);
    for (const process of this.election.processes) {
      process.stir();
      process.hear(event);
    }
  }
}
