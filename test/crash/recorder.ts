import { setTimeout as delay } from 'node:timers/promises';

import { leaseRecord } from '../../src/reconcile/records.ts';
import type { Exchange } from '../support/proxy.ts';
import type { Faults, PointName } from './faults.ts';
import { issuedIn, kubeName, leaseApiName, leaseInSecretWrite, type Issued } from './wire.ts';

/** A write of a Secret that the API server accepted. */
export interface SecretWrite {
  readonly name: string;
  /** The lease that the Secret names from then on; undefined: deleted, or its record was left as it is. */
  readonly lease: string | undefined;
}

/** What a process has sent. */
export interface SentBody {
  /** A Secret's write, any other request to the Kubernetes API, or one to the lease API. */
  readonly to: 'Secret' | 'Kubernetes' | 'lease API';
  readonly name: string;
  readonly body: string;
}

/** What both proxies of a life have seen. */
export interface Recorder {
  readonly kube: (exchange: Exchange) => Promise<void>;
  readonly leaseApi: (exchange: Exchange) => Promise<void>;
  /** The requests of each process, in order. */
  readonly processes: readonly (readonly PointName[])[];
  /** When they came; wall clock, milliseconds. */
  readonly times: readonly (readonly number[])[];
  readonly secretWrites: readonly SecretWrite[];
  readonly issued: readonly Issued[];
  /** The leases that the very requests made at which a process was killed. */
  readonly madeByTheKilled: ReadonlySet<string>;
  /** Those that its other requests made which were under way then. */
  readonly madeWhileDying: ReadonlySet<string>;
  /** Leases that a status said to be vouched for by the Secret's record alone. */
  readonly unattested: ReadonlySet<string>;
  /** The most requests that a status counted as unaccounted for, of each object. */
  readonly unaccounted: ReadonlyMap<string, number>;
  /** Every body that was sent, whether it arrived or not. */
  readonly sent: readonly SentBody[];
  /** Grows with each answer: nothing changes between two of them but what ends by itself. */
  answers(): number;
  /**
   * The wall clock's milliseconds of the last write to the Kubernetes API: of its answer, and now while one is under way,
   * for whoever reads the object may see it done before that.
   */
  lastWriteAt(): number;
  /** How many of the faults have happened. */
  fired(): number;
  /** How many requests have been passed on and are not answered: they may change something yet. */
  underWay(): number;
}

/** How long after an answer has left the process is killed, in milliseconds: it has read it, and goes on. */
const READ_WITHIN = 15;

const UNTAKEN = 'nobody';

/** @param kill ends the operator's process; resolves when it is no more. */
export function startRecorder(faults: Faults, kill: () => Promise<void>): Recorder {
  const secrets = new Map<string, string>();
  const issued: Issued[] = [];
  const secretWrites: SecretWrite[] = [];
  const sent: SentBody[] = [];
  const unattested = new Set<string>();
  const unaccounted = new Map<string, number>();
  const madeByTheKilled = new Set<string>();
  const madeWhileDying = new Set<string>();
  let answers = 0;
  let underWay = 0;
  let writesUnderWay = 0;
  let lastWriteAt = Date.now();

  async function crash(): Promise<void> {
    await kill();
    faults.died();
  }

  /** What became of the process while its request was under way: `killed` by it, or `dying` by another one. */
  type Meanwhile = 'alive' | 'killed' | 'dying';
  type Note = (status: number, body: Buffer, meanwhile: Meanwhile) => void;

  async function pass(exchange: Exchange, name: string, note: Note): Promise<void> {
    const when = faults.meet(name);
    if (when === 'before-sending') {
      await crash();
      exchange.drop();
      return;
    }
    underWay += 1;
    const process = faults.processes.length;
    const answer = await exchange.fetch().finally(() => (underWay -= 1));
    answers += 1;
    const dying = faults.isDying() || faults.processes.length !== process;
    const otherwise = dying ? 'dying' : 'alive';
    note(answer.status, answer.body, when === undefined ? otherwise : 'killed');
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
    sent.push({ to: kind === 'secrets' ? 'Secret' : 'Kubernetes', name, body: body.toString() });
    return (status, answer) => {
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
    const [, kind, secret = UNTAKEN] = name.split(' ');
    return (status, body, meanwhile) => {
      if (method !== 'POST' || kind !== 'lease') return;
      const made = issuedIn(status, body);
      if (made === undefined) return;
      issued.push(made);
      secrets.set(made.id, secret);
      if (meanwhile === 'killed') madeByTheKilled.add(made.id);
      if (meanwhile === 'dying') madeWhileDying.add(made.id);
    };
  }

  return {
    async kube(exchange) {
      const name = kubeName(exchange);
      if (name === undefined) {
        await exchange.relay();
        return;
      }
      const writes = exchange.method === 'GET' ? 0 : 1;
      writesUnderWay += writes;
      try {
        await pass(exchange, name, noteKube(exchange, name));
      } finally {
        writesUnderWay -= writes;
        if (writes > 0) lastWriteAt = Date.now();
      }
    },
    async leaseApi(exchange) {
      const name = leaseApiName(exchange, (id) => secrets.get(id));
      sent.push({ to: 'lease API', name, body: exchange.body.toString() });
      await pass(exchange, name, noteLeaseApi(exchange, name));
    },
    processes: faults.processes,
    times: faults.times,
    secretWrites,
    issued,
    madeByTheKilled,
    madeWhileDying,
    unattested,
    unaccounted,
    sent,
    answers: () => answers,
    lastWriteAt: () => (writesUnderWay > 0 ? Date.now() : lastWriteAt),
    fired: () => faults.fired(),
    underWay: () => underWay,
  };
}
