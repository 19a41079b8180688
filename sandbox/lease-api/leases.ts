import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Identity } from './identities.ts';
import type { LeaseTag } from './ledger.ts';
import type { LeaseRow } from './lease-store.ts';
import { demandProvider } from './provider-down.ts';
import { usernameFrom } from './providers/credentials.ts';
import { GENERIC_MESSAGE, Refusal } from './refusal.ts';
import { recordLease, type Revocation } from './revocation.ts';
import type { SecretRow } from './secret-store.ts';
import { parseTtl } from './ttl.ts';
import type { World } from './world.ts';

const uuid = z.uuid();

/** Types that cannot be renewed, with the text of their refusal. */
const RENEWAL_REFUSALS: Readonly<Record<string, string>> = {
  totp: 'Lease renewal is not supported for TOTPs',
  github: 'Github dynamic secret does not support renewal',
  oauth: "OAuth access tokens can't be extended. Create a new lease to get a new token.",
};

export interface LeaseRequest {
  readonly ttl: string | undefined;
  readonly config: unknown;
  readonly identity: Identity;
  readonly tag: LeaseTag | null;
}

/** Makes and renews leases. */
export class Leases {
  readonly #world: World;
  readonly #revocation: Revocation;

  constructor(world: World, revocation: Revocation) {
    this.#world = world;
    this.#revocation = revocation;
  }

  /**
   * Makes a principal, then the row. Not idempotent, and the principal comes first: a failure in between leaves a
   * principal that no lease names.
   */
  async create(secret: SecretRow, request: LeaseRequest): Promise<{ row: LeaseRow; data: unknown }> {
    const world = this.#world;
    const { identity, tag } = request;
    this.#refuseFull(secret);
    const selected = this.#selected(request.ttl, secret);
    if (secret.maxTTL !== null && selected > parseTtl(secret.maxTTL)) throw world.wording.createOverMax();
    world.ledger.record({
      event: 'requested',
      dynamicSecret: secret.name,
      dynamicSecretId: secret.id,
      by: identity.id,
      tag,
    });
    const expireAt = world.clock.now() + (secret.firstLife ?? this.#life(selected, secret));
    const { externalEntityId, data } = await this.#credential(secret, identity, expireAt);
    // The database takes no date that is none. By then the principal is there.
    if (Number.isNaN(expireAt)) throw new Refusal('database', GENERIC_MESSAGE, { error: 'Create' });
    const now = world.clock.now();
    const row: LeaseRow = {
      id: randomUUID(),
      externalEntityId,
      expireAt,
      status: null,
      statusDetails: null,
      dynamicSecretId: secret.id,
      createdAt: now,
      updatedAt: now,
      config: request.config ?? null,
      by: identity.id,
      tag,
    };
    secret.firstLife = null;
    world.leases.put(row);
    this.#revocation.schedule(row);
    recordLease(world.ledger, { event: 'made', by: identity.id }, row, secret);
    return { row, data: secret.dataOverride === null ? data : secret.dataOverride.data };
  }

  /** Adds a TTL to the lease's end. Past creation + maxTTL it is an error, never a shorter renewal. */
  async renew(
    row: LeaseRow,
    secret: SecretRow,
    request: { ttl: string | undefined; by: string },
  ): Promise<LeaseRow> {
    const { wording, clock, leases, ledger } = this.#world;
    const selected = this.#selected(request.ttl, secret);
    const expireAt = row.expireAt + this.#life(selected, secret);
    if (secret.maxTTL !== null && expireAt > row.createdAt + parseTtl(secret.maxTTL))
      throw wording.renewOverMax();
    const refusal = RENEWAL_REFUSALS[secret.type];
    if (refusal !== undefined) throw new Refusal('bad-request', refusal);
    if (Number.isNaN(expireAt)) throw new RangeError('Invalid time value');
    demandProvider(this.#world, secret);
    await secret.provider.renew(row.externalEntityId, clock.real(expireAt));
    const current = leases.get(row.id);
    if (current === undefined) throw new Refusal('internal', "Response doesn't match the schema");
    const renewed = { ...current, expireAt, updatedAt: clock.now() };
    leases.put(renewed);
    this.#revocation.schedule(renewed);
    recordLease(ledger, { event: 'renewed', by: request.by }, renewed, secret);
    return renewed;
  }

  /** The lease of an id, with its dynamic secret. */
  find(
    id: string,
    view: Pick<World['leases'], 'get'> = this.#world.leases,
  ): { row: LeaseRow; secret: SecretRow } {
    // The id goes into a database column for UUIDs, which takes nothing else.
    if (!uuid.safeParse(id).success) throw new Refusal('database', GENERIC_MESSAGE, { error: 'FindById' });
    const row = view.get(id);
    const secret = row && this.#world.secrets.get(row.dynamicSecretId);
    if (row === undefined || secret === undefined) throw this.#world.wording.lease(id);
    return { row, secret };
  }

  #refuseFull(secret: SecretRow): void {
    const { leaseLimit } = this.#world.switches;
    if (leaseLimit !== null && this.#world.leases.count(secret.id) >= leaseLimit)
      throw this.#world.wording.limit(leaseLimit);
  }

  /** Milliseconds; NaN for text that is no TTL. The empty string is "not given", but not on a server of 2024. */
  #selected(ttl: string | undefined, secret: SecretRow): number {
    const given = this.#world.profile === '2024' ? ttl : ttl || undefined;
    return parseTtl(given ?? secret.defaultTTL);
  }

  /** What the server makes of it: a test may have it decide otherwise. */
  #life(selected: number, secret: SecretRow): number {
    if (Number.isNaN(selected)) return selected;
    return secret.lifeOverride ?? this.#world.switches.lifeOverride ?? selected;
  }

  async #credential(
    secret: SecretRow,
    identity: Identity,
    expireAt: number,
  ): Promise<Awaited<ReturnType<SecretRow['provider']['create']>>> {
    const { clock, faults } = this.#world;
    const username = usernameFrom(secret.usernameTemplate, {
      unixTimestamp: Math.floor(clock.now() / 1000),
      identityName: identity.name,
    });
    demandProvider(this.#world, secret);
    const fault = faults.forProvider('driver-error', secret.name);
    if (fault?.when === 'before') throw driverError(username, fault.password);
    const credential = await secret.provider.create({ username, expireAt: clock.real(expireAt) });
    if (fault !== undefined) throw driverError(username, fault.password);
    return credential;
  }
}

/** A driver's error as the server's query builder words it: with the statement it could not run. */
function driverError(username: string, password: string): Error {
  const statement = `CREATE ROLE "${username}" WITH LOGIN PASSWORD '${password}'`;
  const error = new Error(`${statement} - terminating connection due to administrator command`);
  return Object.assign(error, { code: '57P01' });
}
