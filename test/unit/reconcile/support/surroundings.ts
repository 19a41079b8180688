import { formatAsked } from '../../../../src/api/asked.ts';
import type { ConnectionSpec } from '../../../../src/api/infisical-connection.ts';
import type { LeaseSpec } from '../../../../src/api/dynamic-secret-lease.ts';
import { ASKED_ANNOTATION } from '../../../../src/api/names.ts';
import type { LeaseRecord, SecretRecord } from '../../../../src/reconcile/ports.ts';
import { leaseRecord, secretRecord } from '../../../../src/reconcile/records.ts';
import { recordOf } from '../../../../src/secret/ownership.ts';
import { aPlace, aSpec, HOST } from '../../../support/builders.ts';
import { virtualClock } from '../../../support/virtual-clock.ts';
import { type ApiEvent, type ApiObject, ApiServer } from './api-server.ts';
import { LeaseServer } from './lease-server.ts';

export const KEY = 'shop/orders-db';
export const TARGET = {
  projectSlug: 'shop',
  environmentSlug: 'prod',
  path: '/',
  dynamicSecret: 'orders-postgres',
};

/** Two servers with one lease object at most, what people do to them, and time that stands still unless it is moved. */
export class Surroundings {
  readonly clock = virtualClock();
  readonly leases = new LeaseServer(this.clock);
  readonly kube: ApiServer;

  /** @param tell takes the events of the Kubernetes API. */
  constructor(tell: (event: ApiEvent) => void) {
    this.kube = new ApiServer(() => this.clock.wall(), tell);
  }

  /** Makes the connection `infisical`. */
  connect(spec: Partial<ConnectionSpec> = {}, name = 'infisical'): void {
    this.kube.create('connections', {
      metadata: { name, namespace: 'shop' },
      spec: {
        hostAPI: `${HOST}/api`,
        auth: { token: { secretKeyRef: { name: 'identity', key: 'token' } } },
        ...spec,
      },
    });
  }

  /** @param finalizers those that a process before has added, with the note of where it asks. */
  apply(spec: Partial<LeaseSpec> = {}, finalizers: readonly string[] = []): void {
    const place = aPlace(aSpec(spec));
    const announced = { finalizers, annotations: { [ASKED_ANNOTATION]: formatAsked([place]) } };
    const metadata = {
      name: 'orders-db',
      namespace: 'shop',
      ...(finalizers.length > 0 ? announced : {}),
    };
    this.kube.create('leases', { metadata, spec: aSpec(spec) });
  }

  edit(spec: Partial<LeaseSpec>): void {
    this.kube.mergePatch('leases', KEY, { spec });
  }

  delete(): void {
    this.kube.delete('leases', KEY);
  }

  /** Somebody else's hand on the Secret: its labels and annotations. */
  touchSecret(metadata: {
    labels?: Readonly<Record<string, string>>;
    annotations?: Readonly<Record<string, string>>;
  }): void {
    this.kube.mergePatch('secrets', KEY, { metadata });
  }

  /** Somebody revokes a lease on the server, by its number. */
  revokeElsewhere(number: number): void {
    const row = this.leases.rows[number - 1];
    if (row !== undefined) this.leases.revoke(row.lease.id, row.target);
  }

  // What is there

  get object(): LeaseRecord | undefined {
    const found = this.kube.find('leases', KEY);
    return found === undefined ? undefined : leaseRecord(found);
  }

  get status(): LeaseRecord['status'] {
    return this.object?.status ?? {};
  }

  /** A condition as "True LeaseActive". */
  condition(type: 'Ready' | 'Reconciling' | 'Stalled'): string | undefined {
    const found = this.status.conditions?.find((one) => one.type === type);
    return found === undefined ? undefined : `${found.status} ${found.reason}`;
  }

  get rawSecret(): ApiObject | undefined {
    return this.kube.find('secrets', KEY);
  }

  get secret(): SecretRecord | undefined {
    return this.rawSecret === undefined ? undefined : secretRecord(this.rawSecret);
  }

  get record(): ReturnType<typeof recordOf> {
    return this.secret === undefined ? undefined : recordOf(this.secret);
  }

  /** The password that pods read. */
  get password(): string {
    return Buffer.from(this.rawSecret?.data?.['DB_PASSWORD'] ?? '', 'base64').toString();
  }

  /** Numbers of the leases that live: the first one made is 1. */
  get live(): readonly number[] {
    return this.leases.live.map(numberOf);
  }

  /** The number of the lease that the Secret names. */
  get named(): number | undefined {
    const { record } = this;
    return record === undefined ? undefined : numberOf(record.lease.id);
  }

  /** Ids of the leases that live and that neither Secret nor status names. */
  get unnamed(): readonly string[] {
    const { status, record } = this;
    const refs = [status.lease, ...(status.retiring ?? []), record?.lease, ...(record?.previous ?? [])];
    const ids = new Set(refs.map((ref) => ref?.id));
    return this.leases.live.filter((id) => !ids.has(id));
  }
}

function numberOf(id: string): number {
  return Number(id.slice(-12));
}
