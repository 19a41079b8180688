import type { Route, Transport } from '../transport.ts';
import type { Fault } from '../../errors.ts';
import { ServerGate, type GateParts, type Party } from './server-gate.ts';

/** The gates of all servers: one for each, for as long as a connection leads there. */
export interface Gates {
  /**
   * Puts a transport behind the gate of its server. Its requests wait for their turn there, without their deadlines
   * running, or are refused with the outcome `heldBack`.
   *
   * @param onOutage called whenever the server has ceased to answer, or answers again.
   */
  behind(transport: Transport, onOutage?: () => void): GatedTransport;
  /** The process is about to end: nobody waits for a turn any more. */
  hurry(): void;
}

export interface GatedTransport extends Transport {
  /** The fault of every request while the server does not answer; undefined while it does. */
  outage(): Fault | undefined;
}

export function gates(parts: GateParts): Gates {
  const servers = new Map<string, ServerGate>();
  const waiting = new Map<Route, number>();
  let hurried = false;

  const onWaiting = (route: Route, change: number): void => {
    const count = (waiting.get(route) ?? 0) + change;
    waiting.set(route, count);
    parts.metrics.turnsAwaited(route, count);
  };
  const onCircuit = (): void => {
    const counts = { closed: 0, 'half-open': 0, open: 0 };
    for (const { state } of servers.values()) counts[state] += 1;
    parts.metrics.circuits(counts);
  };
  const gateOf = (host: string): ServerGate => {
    const gate = servers.get(host) ?? new ServerGate({ ...parts, host, onWaiting, onCircuit });
    servers.set(host, gate);
    if (hurried) gate.hurry();
    return gate;
  };

  return {
    behind(transport, onOutage = () => undefined) {
      const { host } = transport;
      const gate = gateOf(host);
      const party: Party = {
        probe: (deadline) => transport.request({ method: 'GET', path: '/status', deadline, route: 'status' }),
        onOutage,
      };
      gate.join(party);
      onCircuit();
      return {
        ...gated(transport, gate, party, parts),
        async close() {
          gate.leave(party);
          if (gate.isEmpty && servers.get(host) === gate) servers.delete(host);
          onCircuit();
          await transport.close();
        },
      };
    },
    hurry() {
      hurried = true;
      for (const gate of servers.values()) gate.hurry();
    },
  };
}

function gated(
  transport: Transport,
  gate: ServerGate,
  party: Party,
  { clock }: Pick<GateParts, 'clock'>,
): Omit<GatedTransport, 'close'> {
  return {
    host: transport.host,
    outage: () => gate.outage(),
    async request(wanted) {
      const since = clock.elapsed();
      const refusal = await gate.enter(party, wanted.route, wanted.neededBy ?? Infinity);
      if (refusal !== undefined) return { kind: 'heldBack', fault: refusal };
      const sentAt = clock.elapsed();
      const deadline = wanted.deadline + sentAt - since;
      try {
        const outcome = await transport.request({ ...wanted, deadline });
        gate.left(wanted.route, outcome, sentAt);
        return outcome;
      } catch (error) {
        gate.left(wanted.route, NOT_SENT, sentAt);
        throw error;
      }
    },
  };
}

/** Whoever wanted the request has thought better of it: nothing is known from it. */
const NOT_SENT = {
  kind: 'failed',
  sent: false,
  cause: { kind: 'unreachable', words: 'not sent', own: true },
} as const;
