import { RequestError } from '../../src/infisical/request-error.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import { standardTiming } from '../../src/timing.ts';
import type { CallName, Requests } from '../unit/reconcile/support/wire.ts';
import type { Random } from './random.ts';
import { broken, busy, denied, silence, targetUnknown, unreachable } from './refusals.ts';
import type { SimulatedTime } from './time.ts';
import type { FrontKind, Side, Weather } from './weather.ts';

/** What becomes of one request. */
interface Passage {
  /** Undefined: it never arrives. */
  readonly arrives: number | undefined;
  /** The server does it. Otherwise it answers with `refusal`. */
  readonly done: boolean;
  /** When the answer, or the end of the connection, reaches the process. */
  readonly returns: number;
  /** In place of the server's own answer. */
  readonly refusal?: Error;
  readonly word: string;
}

/** The process that makes the requests, as far as the way to the servers depends on it. */
export interface Caller {
  readonly name: string;
  readonly alive: boolean;
  /** Whether it may write: it believes that it leads. Otherwise it ends. */
  mayWrite(): boolean;
  /** Runs something in the process, when it is not suspended, unless it has ended. */
  within(act: () => void): void;
  end(why: string): void;
}

/** What the way to the servers tells. */
export interface Observer {
  /** Before a server acts for a process, and afterwards. */
  acting(caller: Caller): void;
  acted(): void;
  /** A request of a process has failed through no doing of its own: nothing can be demanded of it before `until`. */
  troubled(until: number): void;
  served(caller: Caller, name: CallName, outcome: string): void;
  /** A process that does not lead has asked for what it must not even try. */
  usurped(caller: Caller, name: CallName): void;
}

export interface WireParts {
  readonly time: SimulatedTime;
  readonly weather: Weather;
  readonly random: Random;
  readonly observer: Observer;
  /** Undefined: nobody declares dynamic secrets. */
  readonly declared: object | undefined;
}

/** When a process ends at one of its requests. */
export interface Death {
  readonly at: number;
  readonly when: 'before' | 'after';
}

const reads: ReadonlySet<CallName> = new Set<CallName>([
  'get workloads',
  'get dynamicSecrets',
  'LIST dynamic secrets',
  'get leases',
  'get connections',
  'get secrets',
  'read secrets',
  'get credential',
  'create secrets, dry',
  'patch secrets, dry',
  'TIME',
  'LOGIN',
  'VERIFY',
  'GET lease',
  'LIST leases',
]);

/** What only the leader asks for. */
const led: ReadonlySet<CallName> = new Set<CallName>([
  'CREATE lease',
  'CREATE dynamic secret',
  'UPDATE dynamic secret',
  'DELETE dynamic secret',
]);

/** Whether a request changes something for good. */
export function isWrite(name: CallName): boolean {
  return !reads.has(name);
}

/** The way of one process to both servers, through the weather. */
export class SimulatedWire implements Requests {
  readonly #parts: WireParts;
  readonly #caller: Caller;
  readonly #death: Death | undefined;
  #count = 0;

  constructor(parts: WireParts, caller: Caller, death: Death | undefined) {
    this.#parts = parts;
    this.#caller = caller;
    this.#death = death;
  }

  call<Answer>(name: CallName, act: () => Answer): Promise<Answer> {
    const caller = this.#caller;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    if (!caller.alive) return promise;
    if (isWrite(name) && !caller.mayWrite()) {
      if (led.has(name)) this.#parts.observer.usurped(caller, name);
      caller.end('it does not lead');
      return promise;
    }
    this.#count += 1;
    const over = this.#parts.weather.isOver(this.#parts.time.now);
    const dies = this.#death?.at === this.#count && !over ? this.#death.when : undefined;
    if (dies === 'before') {
      this.#parts.observer.served(caller, name, 'the process ends before');
      caller.end('crash');
      return promise;
    }
    this.#pass(name, act, dies, { resolve, reject });
    return promise;
  }

  #pass<Answer>(
    name: CallName,
    act: () => Answer,
    dies: Death['when'] | undefined,
    { resolve, reject }: { resolve: (answer: Answer) => void; reject: (error: unknown) => void },
  ): void {
    const { time, observer } = this.#parts;
    const caller = this.#caller;
    const passage = dies === undefined ? this.#passage(name) : smooth(time.now);
    const { arrives, refusal } = passage;
    if (passage.word !== '') observer.troubled(passage.returns + patience(name, refusal));
    let outcome: (() => void) | undefined;
    if (arrives !== undefined) {
      time.at(arrives, () => {
        outcome = this.#serve(name, act, passage, { resolve, reject });
        if (dies === 'after') caller.end('crash');
      });
    }
    time.at(
      passage.returns,
      () =>
        caller.within(() => {
          if (arrives === undefined) observer.served(caller, name, passage.word);
          if (refusal !== undefined) reject(refusal);
          else outcome?.();
        }),
      arrives === undefined,
    );
  }

  #serve<Answer>(
    name: CallName,
    act: () => Answer,
    passage: Passage,
    { resolve, reject }: { resolve: (answer: Answer) => void; reject: (error: unknown) => void },
  ): (() => void) | undefined {
    const { observer } = this.#parts;
    if (!passage.done) {
      observer.served(this.#caller, name, passage.word);
      return undefined;
    }
    observer.acting(this.#caller);
    try {
      const answer = act();
      observer.served(this.#caller, name, passage.word === '' ? 'done' : `done, ${passage.word}`);
      return () => resolve(answer);
    } catch (error) {
      observer.served(this.#caller, name, error instanceof Error ? error.message : 'refused');
      return () => reject(error);
    } finally {
      observer.acted();
    }
  }

  #passage(name: CallName): Passage {
    const { time, weather, random } = this.#parts;
    const side = sideOf(name);
    const front = weather.strikes(side, time.now);
    const there = time.now + random.between(1, 40);
    const back = there + random.between(1, 40);
    const fine: Passage = { arrives: there, done: true, returns: back, word: '' };
    return front === undefined ? fine : (this.#struck(name, front, fine) ?? fine);
  }

  #struck(name: CallName, front: FrontKind, fine: Passage): Passage | undefined {
    const { time, random } = this.#parts;
    const side = sideOf(name);
    const { returns } = fine;
    const deadline = time.now + deadlineOf(name);
    const refusedWith = (refusal: Error, word: string): Passage => ({ ...fine, done: false, refusal, word });
    switch (front) {
      case 'outage':
        return random.chance(0.5)
          ? { arrives: undefined, done: false, returns, refusal: unreachable(side), word: 'unreachable' }
          : { arrives: undefined, done: false, returns: deadline, refusal: silence(side), word: 'no way' };
      case 'errors':
        return this.#broken(name, fine, deadline);
      case 'slow': {
        const arrives = time.now + random.between(0.1, deadlineOf(name) * 1.2);
        const comes = arrives + random.between(0.1, deadlineOf(name) * 0.5);
        if (comes < deadline) return { arrives, done: true, returns: comes, word: '' };
        const inTime = Math.min(arrives, deadline - 1);
        return { arrives: inTime, done: true, returns: deadline, refusal: silence(side), word: 'too late' };
      }
      case 'busy':
        return refusedWith(busy(side, random), '429');
      case 'refusing':
        return refusable(name) ? refusedWith(denied(side, name), '403') : undefined;
      case 'refusing-in-earnest':
        return refusable(name) && isWrite(name) ? refusedWith(denied(side, name), '403') : undefined;
      case 'lost-target':
        return this.#mayLose(name) ? refusedWith(targetUnknown(name), '404 of the target') : undefined;
      case 'stubborn':
        return undefined;
    }
  }

  /** Where dynamic secrets are declared the list of leases tells of their existence: to lie about it is another fault. */
  #mayLose(name: CallName): boolean {
    return refusable(name) && !(this.#parts.declared !== undefined && name === 'LIST leases');
  }

  /** Done or not, answered or not. */
  #broken(name: CallName, fine: Passage, deadline: number): Passage {
    const { random } = this.#parts;
    const side = sideOf(name);
    const returns = random.chance(0.5) ? fine.returns : deadline;
    switch (random.below(4)) {
      case 0:
        return { ...fine, done: false, refusal: broken(side, name), word: '500 before' };
      case 1:
        return { ...fine, refusal: broken(side, name), word: '500 after' };
      case 2:
        return { arrives: undefined, done: false, returns, refusal: silence(side), word: 'lost on the way' };
      default:
        return { ...fine, returns, refusal: silence(side), word: 'answer lost' };
    }
  }
}

function smooth(now: number): Passage {
  return { arrives: now + 5, done: true, returns: now + 10, word: '' };
}

export function sideOf(name: CallName): Side {
  return name[0] === name[0]?.toUpperCase() ? 'lease' : 'kube';
}

function deadlineOf(name: CallName): number {
  return sideOf(name) === 'lease' ? standardTiming.leaseRequestDeadline : standardTiming.kubeRequestDeadline;
}

const refusableOfLeases: ReadonlySet<CallName> = new Set<CallName>([
  'CREATE lease',
  'GET lease',
  'LIST leases',
  'REVOKE lease',
  'CREATE dynamic secret',
  'UPDATE dynamic secret',
  'DELETE dynamic secret',
  'LIST dynamic secrets',
]);

/** What a refusal for the sake of rights or quotas can strike. */
function refusable(name: CallName): boolean {
  return sideOf(name) === 'lease'
    ? refusableOfLeases.has(name)
    : name.startsWith('create secrets') || name.startsWith('patch secrets') || name === 'patch workloads';
}

/** How long after a failure nothing can be demanded: what is to be waited for before the next try. */
function patience(name: CallName, refusal: Error | undefined): number {
  const asked =
    refusal instanceof KubeError
      ? refusal.retryAfter
      : refusal instanceof RequestError
        ? refusal.fault.retryAfter
        : 0;
  const settling = name === 'CREATE lease' ? standardTiming.settleAfter + 2 * standardTiming.settleRetry : 0;
  return Math.max(asked ?? 0, settling);
}
