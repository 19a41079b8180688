import type { Clock, Timer } from '../../clock.ts';
import { type Fault, fault } from '../../errors.ts';
import type { Log, Metrics } from '../../telemetry.ts';
import type { Timing } from '../../timing.ts';
import type { Outcome } from '../exchange.ts';
import type { Route } from '../transport.ts';
import { afterExchange, afterProbe, beginProbe, type Circuit, closed } from './circuit.ts';
import { healthOf } from './health.ts';
import { routeGate, type Admission, type RouteGate } from './route-gate.ts';

export interface GateParts {
  readonly clock: Clock;
  readonly timing: Pick<Timing, 'turnPatience' | 'backoffBase' | 'probeDeadline' | 'probeBase' | 'probeCap'>;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'turnsAwaited' | 'throttled' | 'heldBack' | 'circuits'>;
}

/** One connection, as the gate of its server knows it. */
export interface Party {
  /** Asks the server for its state, past the gate. Never rejects. */
  readonly probe: (deadline: number) => Promise<Outcome>;
  /** The circuit has opened or closed. */
  readonly onOutage: () => void;
}

export interface ServerGateOptions extends GateParts {
  readonly host: string;
  /** Told by how much the number of waiting requests changes. */
  readonly onWaiting: (route: Route, change: number) => void;
  readonly onCircuit: () => void;
}

/** What all connections to one server share: its limits, and whether it answers. Nothing of their logins. */
export class ServerGate {
  readonly #options: ServerGateOptions;
  readonly #routes = new Map<Route, RouteGate<Party>>();
  /** In the order in which they probe. */
  readonly #parties = new Set<Party>();
  #circuit: Circuit = closed;
  #probe: Timer | undefined;
  #hurried = false;

  constructor(options: ServerGateOptions) {
    this.#options = options;
  }

  get state(): 'closed' | 'half-open' | 'open' {
    if (this.#circuit.state === 'closed') return 'closed';
    return this.#circuit.probing ? 'half-open' : 'open';
  }

  get isEmpty(): boolean {
    return this.#parties.size === 0;
  }

  join(party: Party): void {
    this.#parties.add(party);
  }

  leave(party: Party): void {
    this.#parties.delete(party);
    for (const route of this.#routes.values()) route.refuse(this.#ended(), party);
    if (this.isEmpty) this.#probe?.cancel();
  }

  /** Nobody waits any more: what cannot be sent at once is refused. */
  hurry(): void {
    this.#hurried = true;
    for (const route of this.#routes.values()) route.refuse(this.#ended());
  }

  /** The fault of every request while the circuit is open. `retryAfter`: when the next probe has been answered, about. */
  outage(): Fault | undefined {
    const circuit = this.#circuit;
    if (circuit.state === 'closed') return undefined;
    const { host, clock, timing } = this.#options;
    const wait = Math.max(circuit.probeAt - clock.elapsed(), timing.backoffBase);
    return fault('CircuitOpen', { host, cause: circuit.cause }, wait);
  }

  async enter(party: Party, route: Route, neededBy: number): Promise<Admission> {
    const outage = this.outage();
    if (outage !== undefined) {
      this.#options.metrics.heldBack('circuit');
      return outage;
    }
    // Servers set no limit for it.
    if (route === 'status') return undefined;
    const admission = this.#route(route).enter(party, neededBy);
    if (this.#hurried) this.#route(route).refuse(this.#ended());
    return admission;
  }

  /** What was let in is over. @param sentAt elapsed milliseconds. */
  left(route: Route, outcome: Outcome, sentAt: number): void {
    if (route !== 'status') this.#route(route).left(outcome, sentAt);
    const before = this.#circuit;
    this.#circuit = afterExchange(before, healthOf(outcome), route === 'status');
    if (this.#circuit.probing && !before.probing) void this.#ask();
  }

  #route(route: Route): RouteGate<Party> {
    const gate = this.#routes.get(route) ?? routeGate<Party>({ ...this.#options, route });
    this.#routes.set(route, gate);
    return gate;
  }

  /** Sends the probe, by another connection each time. */
  async #ask(): Promise<void> {
    const { clock, timing, onCircuit } = this.#options;
    const [party] = this.#parties;
    if (party === undefined) return;
    this.#parties.delete(party);
    this.#parties.add(party);
    this.#circuit = beginProbe(this.#circuit);
    onCircuit();
    const outcome = await party.probe(clock.elapsed() + timing.probeDeadline);
    const before = this.#circuit.state;
    const chance = { now: clock.elapsed(), random: clock.random(), timing };
    this.#circuit = afterProbe(this.#circuit, healthOf(outcome), chance);
    if (this.#circuit.state === 'open') this.#askAgain(this.#circuit.probeAt);
    if (before !== this.#circuit.state) this.#tell();
    onCircuit();
  }

  #askAgain(at: number): void {
    const { clock } = this.#options;
    if (this.isEmpty) return;
    this.#probe = clock.after(at - clock.elapsed(), () => void this.#ask());
  }

  #tell(): void {
    const { host, log } = this.#options;
    const outage = this.outage();
    if (outage === undefined) log.info('A server answers again; requests are sent to it.', { host });
    else {
      log.warn('A server does not answer; requests to it are held back until it does.', { host });
      for (const route of this.#routes.values()) route.refuse(outage);
    }
    for (const party of this.#parties) party.onOutage();
  }

  #ended(): Fault {
    return fault('RateLimited', { host: this.#options.host }, this.#options.timing.backoffBase);
  }
}
