import { setTimeout as delay } from 'node:timers/promises';

import { leaseRecord } from '../../src/reconcile/records.ts';
import type { Exchange } from '../support/proxy.ts';
import type { Moment } from './options.ts';
import { issuedIn, kubeName, leaseApiName, leaseInSecretWrite, type Issued } from './wire.ts';

/** One request of a life: its kind, its object, and which of those it is. */
export type PointName = string;

export interface Fault {
  readonly point: PointName;
  readonly when: Moment;
}

/** A write of a Secret that the API server accepted. */
export interface SecretWrite {
  readonly name: string;
  /** The lease that the Secret names from then on; undefined: deleted, or its record was left as it is. */
  readonly lease: string | undefined;
}

/** What both proxies of a life have seen. */
export interface Recorder {
  readonly kube: (exchange: Exchange) => Promise<void>;
  readonly leaseApi: (exchange: Exchange) => Promise<void>;
  /** The requests before the crash, in order. */
  readonly points: readonly PointName[];
  readonly secretWrites: readonly SecretWrite[];
  readonly issued: readonly Issued[];
  /** The lease that the very request made at which the process was killed. */
  readonly madeByTheKilled: string | undefined;
  /** Leases that a status said to be vouched for by the Secret's record alone. */
  readonly unattested: ReadonlySet<string>;
  /** The most requests that a status counted as unaccounted for, of each object. */
  readonly unaccounted: ReadonlyMap<string, number>;
  /** Where a password was sent though it does not belong there. */
  leaks(): readonly string[];
  /** Grows with each answer: nothing changes between two of them but what ends by itself. */
  answers(): number;
  /** The wall clock's milliseconds of the last write to the Kubernetes API. */
  lastWriteAt(): number;
  /** Whether the fault has happened. */
  fired(): boolean;
}

/** How long after an answer has left the process is killed, in milliseconds: it has read it, and goes on. */
const READ_WITHIN = 15;

const UNTAKEN = 'nobody';

/** @param crash kills the operator; resolves when the process is no more. */
export function startRecorder(fault: Fault | undefined, crash: () => Promise<void>): Recorder {
  const points: PointName[] = [];
  const counts = new Map<string, number>();
  const secrets = new Map<string, string>();
  const issued: Issued[] = [];
  const secretWrites: SecretWrite[] = [];
  const bodies: { readonly name: string; readonly body: string }[] = [];
  const unattested = new Set<string>();
  const unaccounted = new Map<string, number>();
  let madeByTheKilled: string | undefined;
  let answers = 0;
  let fired = false;
  let lastWriteAt = Date.now();

  /** Whether the crash is to happen at this request. */
  function meets(name: string): boolean {
    if (fired) return false;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    const point = `${name} #${String(count)}`;
    points.push(point);
    return fault?.point === point;
  }

  type Note = (status: number, body: Buffer, killed: boolean) => void;

  async function pass(exchange: Exchange, name: string, note: Note): Promise<void> {
    const when = meets(name) ? fault?.when : undefined;
    if (when !== undefined) fired = true;
    if (when === 'before-sending') {
      await crash();
      exchange.drop();
      return;
    }
    const answer = await exchange.fetch();
    answers += 1;
    note(answer.status, answer.body, when !== undefined);
    if (when === 'after-commit') {
      await crash();
      exchange.drop();
      return;
    }
    await exchange.reply(answer);
    if (when === undefined) return;
    await delay(READ_WITHIN);
    await crash();
  }

  function noteKube(exchange: Exchange, name: string): Note {
    const { method, body } = exchange;
    const [, kind = '', object = UNTAKEN] = name.split(' ');
    if (kind !== 'secrets') bodies.push({ name, body: body.toString() });
    return (status, answer) => {
      if (method !== 'GET') lastWriteAt = Date.now();
      if (method === 'GET' || status >= 300 || name.endsWith(' dry')) return;
      if (kind === 'dynamicsecretleases/status') noteStatus(object, answer);
      if (kind !== 'secrets') return;
      const lease = method === 'DELETE' ? undefined : leaseInSecretWrite(body);
      secretWrites.push({ name: object, lease });
    };
  }

  function noteStatus(object: string, answer: Buffer): void {
    const { status } = leaseRecord(JSON.parse(answer.toString()));
    if (status.lease?.attested === false) unattested.add(status.lease.id);
    const count = Math.max(unaccounted.get(object) ?? 0, status.unaccounted?.count ?? 0);
    unaccounted.set(object, count);
  }

  function noteLeaseApi({ method }: Exchange, name: string): Note {
    return (status, body, killed) => {
      const [, kind, secret = UNTAKEN] = name.split(' ');
      if (method !== 'POST' || kind !== 'lease') return;
      const made = issuedIn(status, body);
      if (made === undefined) return;
      issued.push(made);
      secrets.set(made.id, secret);
      if (killed) madeByTheKilled = made.id;
    };
  }

  return {
    async kube(exchange) {
      const name = kubeName(exchange);
      if (name === undefined) await exchange.relay();
      else await pass(exchange, name, noteKube(exchange, name));
    },
    async leaseApi(exchange) {
      const name = leaseApiName(exchange, (id) => secrets.get(id));
      bodies.push({ name, body: exchange.body.toString() });
      await pass(exchange, name, noteLeaseApi(exchange, name));
    },
    points,
    secretWrites,
    issued,
    get madeByTheKilled() {
      return madeByTheKilled;
    },
    unattested,
    unaccounted,
    leaks: () =>
      bodies
        .filter(({ body }) =>
          issued.some(({ password }) => password !== undefined && body.includes(password)),
        )
        .map(({ name }) => name),
    answers: () => answers,
    lastWriteAt: () => lastWriteAt,
    fired: () => fired,
  };
}
