/** Every request that a reconciler makes: in small letters to the Kubernetes API, in capitals to the lease API. */
export type CallName =
  | 'get leases'
  | 'patch leases'
  | 'patch leases/status'
  | 'get connections'
  | 'patch connections'
  | 'patch connections/status'
  | 'get dynamicSecrets'
  | 'patch dynamicSecrets'
  | 'patch dynamicSecrets/status'
  | 'get secrets'
  | 'read secrets'
  | 'create secrets'
  | 'create secrets, dry'
  | 'patch secrets'
  | 'patch secrets, dry'
  | 'delete secrets'
  | 'get workloads'
  | 'patch workloads'
  | 'get credential'
  | 'TIME'
  | 'LOGIN'
  | 'VERIFY'
  | 'CREATE lease'
  | 'GET lease'
  | 'LIST leases'
  | 'RENEW lease'
  | 'REVOKE lease'
  | 'CREATE dynamic secret'
  | 'UPDATE dynamic secret'
  | 'DELETE dynamic secret'
  | 'LIST dynamic secrets';

/** What becomes of one request. `act` is what the server does with it. */
export type Fate = <Answer>(act: () => Answer) => Answer | Promise<Answer>;

export const works: Fate = (act) => act();

/** Nothing is done. */
export function refused(error: Error): Fate {
  return () => {
    throw error;
  };
}

/** It is done, and the answer does not arrive. */
export function lost(error: Error): Fate {
  return (act) => {
    act();
    throw error;
  };
}

/** Something happens right before it arrives at the server. */
export function after(happens: () => unknown, then: Fate = works): Fate {
  return (act) => {
    happens();
    return then(act);
  };
}

/** It is done when something else has come to pass. */
export function once(happened: Promise<void>): Fate {
  return async (act) => {
    await happened;
    return act();
  };
}

/** When a process ends: at its nth request, before the server has it or after the server has done it. */
export interface Death {
  readonly at: number;
  readonly when: 'before' | 'after';
}

/** The way of one process to its two servers: `act` is what the server does with a request that arrives. */
export interface Requests {
  call<Answer>(name: CallName, act: () => Answer): Promise<Answer>;
}

/** What one process asks of the two servers, and what becomes of it. A process that has ended gets no answers. */
export class Wire implements Requests {
  readonly calls: CallName[] = [];
  /** Resolves when the process ends. */
  readonly died: Promise<void>;
  readonly death: Death | undefined;
  readonly #at = new Map<number, Fate>();
  readonly #next = new Map<CallName, Fate[]>();
  readonly #always = new Map<CallName, Fate>();
  readonly #die: () => void;
  #dead = false;

  constructor(death?: Death) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.died = promise;
    this.#die = resolve;
    this.death = death;
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** The fates of the next requests of that name, one after another. */
  next(name: CallName, ...fates: readonly Fate[]): void {
    this.#next.set(name, [...(this.#next.get(name) ?? []), ...fates]);
  }

  /** The fate of every other request of that name from now on. */
  always(name: CallName, fate: Fate): void {
    this.#always.set(name, fate);
  }

  /** The fate of the nth request. */
  at(count: number, fate: Fate): void {
    this.#at.set(count, fate);
  }

  end(): void {
    this.#dead = true;
    this.#die();
  }

  async call<Answer>(name: CallName, act: () => Answer): Promise<Answer> {
    if (this.#dead) return noAnswer();
    this.calls.push(name);
    if (this.death?.at === this.calls.length) {
      try {
        if (this.death.when === 'after') act();
      } catch {
        // A refusal is an answer as well, and does not arrive either.
      }
      this.end();
      return noAnswer();
    }
    try {
      return await this.#fateOf(name)(act);
    } finally {
      // An answer takes its time: others act meanwhile.
      await Promise.resolve();
      if (this.#dead) await noAnswer();
    }
  }

  #fateOf(name: CallName): Fate {
    const counted = this.#at.get(this.calls.length);
    return counted ?? this.#next.get(name)?.shift() ?? this.#always.get(name) ?? works;
  }
}

function noAnswer(): Promise<never> {
  return new Promise(() => undefined);
}
