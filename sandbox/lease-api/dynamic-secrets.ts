import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import type { Folder } from './projects.ts';
import { demandProvider } from './provider-down.ts';
import { InMemoryProvider } from './providers/in-memory.ts';
import { sqlInputSchema } from './providers/inputs.ts';
import { PostgresProvider } from './providers/postgres.ts';
import type { Provider } from './providers/provider.ts';
import { Refusal } from './refusal.ts';
import type { RequestSchemas } from './schemas.ts';
import type { SecretRow } from './secret-store.ts';
import { parsed } from './validation.ts';
import type { World } from './world.ts';

type Created = z.output<RequestSchemas['createSecret']>;
type Update = z.output<RequestSchemas['updateSecret']>['data'];

export type SecretSeed = Pick<
  Created,
  'name' | 'defaultTTL' | 'maxTTL' | 'provider' | 'metadata' | 'usernameTemplate'
>;

/** Adds a dynamic secret after a look whether its provider can be reached. */
export async function addSecret(
  world: World,
  folder: Folder,
  seed: SecretSeed,
  type?: string,
): Promise<SecretRow> {
  if (world.secrets.find(folder.id, seed.name) !== undefined) throw world.wording.duplicate();
  const provider = await connectedProvider(world, seed);
  const now = world.clock.now();
  const row: SecretRow = {
    id: randomUUID(),
    name: seed.name,
    type: type ?? seed.provider.type,
    folder,
    defaultTTL: seed.defaultTTL,
    maxTTL: seed.maxTTL ?? null,
    status: null,
    statusDetails: null,
    createdAt: now,
    updatedAt: now,
    usernameTemplate: seed.usernameTemplate ?? null,
    metadata: seed.metadata ?? [],
    inputs: { ...seed.provider.inputs },
    provider,
    pruned: false,
    lifeOverride: null,
    firstLife: null,
    dataOverride: null,
  };
  // Another request may have taken the name while the provider was looked at.
  if (world.secrets.find(folder.id, seed.name) !== undefined) throw world.wording.duplicate();
  world.secrets.add(row);
  return row;
}

/** Changes what is named; the inputs are merged one level deep. The provider is looked at again in any case. */
export async function updateSecret(world: World, row: SecretRow, update: Update): Promise<void> {
  const { newName } = update;
  if (
    newName !== undefined &&
    newName !== row.name &&
    world.secrets.find(row.folder.id, newName) !== undefined
  )
    throw world.wording.duplicate();
  await applyInputs(world, row, update.inputs);
  // The new name is taken as it is: upper-case letters make the dynamic secret unreachable for most routes.
  if (newName !== undefined) world.secrets.rename(row, newName);
  row.defaultTTL = update.defaultTTL ?? row.defaultTTL;
  if (update.maxTTL !== undefined) row.maxTTL = update.maxTTL;
  if (update.usernameTemplate !== undefined) row.usernameTemplate = update.usernameTemplate;
  row.metadata = update.metadata ?? row.metadata;
  row.status = null;
  // The current server forgets to clear the details.
  if (world.profile === '2024') row.statusDetails = null;
  row.updatedAt = world.clock.now();
}

async function applyInputs(world: World, row: SecretRow, inputs: unknown): Promise<void> {
  if (typeof inputs !== 'object' || inputs === null) {
    await connect(world, row, row.provider);
    return;
  }
  const merged = { ...row.inputs, ...inputs };
  if (row.provider instanceof InMemoryProvider) {
    await connect(world, { name: row.name, inputs: merged }, row.provider);
  } else {
    const seed = { name: row.name, provider: { type: 'sql-database', inputs: merged } };
    world.secrets.replaceProvider(row, await connectedProvider(world, seed));
  }
  row.inputs = merged;
}

interface Connecting {
  readonly name: string;
  readonly provider: { readonly type: string; readonly inputs: Readonly<Record<string, unknown>> };
}

async function connectedProvider(world: World, { name, provider: wanted }: Connecting): Promise<Provider> {
  const { type, inputs } = wanted;
  const provider = createProvider(world, type, inputs);
  try {
    await connect(world, { name, inputs }, provider);
    return provider;
  } catch (error) {
    await provider.close();
    throw error;
  }
}

function createProvider(world: World, type: string, inputs: unknown): Provider {
  if (type !== 'sql-database') return new InMemoryProvider();
  const sql = parsed(sqlInputSchema, inputs);
  if (world.switches.refuseLocalHosts && LOCAL_HOSTS.includes(sql.host))
    throw new Refusal('bad-request', 'Invalid db host');
  if (sql.client !== 'postgres') throw connectionFailed();
  return new PostgresProvider(sql, { profile: world.profile, connectTimeoutMs: world.providerTimeoutMs });
}

/** Names of the server's own machine. */
const LOCAL_HOSTS: readonly string[] = ['localhost', '127.0.0.1'];

async function connect(
  world: World,
  subject: { readonly name: string; readonly inputs: Readonly<Record<string, unknown>> },
  provider: Provider,
): Promise<void> {
  try {
    demandProvider(world, subject);
  } catch (error) {
    // What newer servers say of some providers; those of 2024 keep the driver's words to themselves here.
    const words = error instanceof Error ? error.message : '';
    if (world.profile === '2024') throw connectionFailed();
    throw new Refusal('bad-request', `Failed to connect with provider: ${words}`);
  }
  try {
    await provider.check();
  } catch {
    throw connectionFailed();
  }
}

function connectionFailed(): Refusal {
  return new Refusal('bad-request', 'Provider connection failed');
}
