import type { ConnectionIdentity } from '../../api/lease.ts';
import type { Clock } from '../../clock.ts';
import { fault, FaultError, type Fault } from '../../errors.ts';
import type { ConnectedLeaseClient } from '../../infisical/client.ts';
import type { Timing } from '../../timing.ts';

/** Whether a link can be used, as far as is known without asking. */
export type LinkState =
  | { readonly state: 'untried' }
  | { readonly state: 'usable' }
  /** `again`: milliseconds until another try. */
  | { readonly state: 'failed'; readonly fault: Fault; readonly again: number };

/** One connection in use: its client, and whether the server knows us and we know its time. */
export interface Link {
  readonly identity: ConnectionIdentity;
  readonly client: ConnectedLeaseClient;
  state(): LinkState;
  /**
   * Makes sure that the server's time is known and that a login works. One try however many ask; after a failure none
   * before its hold-off is over.
   */
  ready(): Promise<LinkState>;
  /**
   * Something that the connection refers to may have changed: looks at it. Where it has, `ready` logs in with it.
   *
   * @returns whether a credential has.
   */
  recheck(): Promise<boolean>;
  close(): Promise<void>;
}

const ofTheWay: ReadonlySet<Fault['code']> = new Set([
  'CircuitOpen',
  'ServerUnreachable',
  'NoAnswer',
  'ServerFailed',
]);

function isOfTheWay({ code }: Fault): boolean {
  return ofTheWay.has(code);
}

export interface LinkOptions {
  readonly identity: ConnectionIdentity;
  readonly client: ConnectedLeaseClient;
  readonly clock: Clock;
  readonly timing: Timing;
}

export function link({ identity, client, clock, timing }: LinkOptions): Link {
  let failure: { readonly fault: Fault; readonly until: number } | undefined;
  let tried = false;
  let outage = false;
  let underway: Promise<LinkState> | undefined;

  function state(): LinkState {
    const held = client.outage();
    // The gate tells when it is over; until then nothing that is asked would reach the server.
    if (held !== undefined) {
      outage = true;
      return { state: 'failed', fault: held, again: timing.backoffCap };
    }
    if (outage) recover();
    const session = client.session.state();
    if (session.kind === 'failed') return failed(session.fault, failure?.until);
    if (failure !== undefined) return failed(failure.fault, failure.until);
    return tried && client.now() !== undefined ? { state: 'usable' } : { state: 'untried' };
  }

  /** What failed for want of an answer is worth another try at once, whatever hold-off that failure began. */
  function recover(): void {
    outage = false;
    if (failure !== undefined && isOfTheWay(failure.fault)) failure = undefined;
    const session = client.session.state();
    if (session.kind === 'failed' && isOfTheWay(session.fault)) client.session.reset();
  }

  function failed(why: Fault, until: number | undefined): LinkState {
    return {
      state: 'failed',
      fault: why,
      again: Math.max((until ?? 0) - clock.elapsed(), timing.backoffBase),
    };
  }

  async function attempt(): Promise<LinkState> {
    try {
      await client.synchronise();
      await client.session.token();
      // A login alone does not show that the server takes its token: the one before was refused as fresh as this one.
      if (client.session.state().kind === 'failed') await client.verify();
      failure = undefined;
    } catch (error) {
      const raised = error instanceof FaultError ? error.fault : fault('Internal', undefined);
      const wait = raised.retryAfter ?? timing.backoffBase + clock.random() * timing.loginBackoffCap;
      failure = { fault: raised, until: clock.elapsed() + wait };
    } finally {
      tried = true;
      underway = undefined;
    }
    return state();
  }

  return {
    identity,
    client,
    state,
    ready() {
      const known = state();
      if (known.state === 'usable') return Promise.resolve(known);
      if (failure !== undefined && clock.elapsed() < failure.until) return Promise.resolve(known);
      underway ??= attempt();
      return underway;
    },
    async recheck() {
      if (!(await client.recheck())) return false;
      failure = undefined;
      tried = false;
      return true;
    },
    close: () => client.close(),
  };
}
