import type { z } from 'zod';
import * as shapes from './control-schemas.ts';
import { declaredSecretOf } from './declarations.ts';
import { addSecret } from './dynamic-secrets.ts';
import type { Revocation } from './revocation.ts';
import type { World } from './world.ts';

type In<S extends z.ZodType> = z.input<S>;
type Out<K extends keyof typeof shapes.outputs> = Promise<z.output<(typeof shapes.outputs)[K]>>;

/**
 * What a test can do to a server beside calling its API. The object in the same process and the client of the admin
 * interface have the same methods, so that a test runs with either. Every method throws a ZodError for bad input.
 */
export interface Control {
  /** Makes a project with environments and folders. What is there already stays. */
  seedProject(input: In<typeof shapes.projectSeed>): Out<'project'>;
  seedFolder(input: In<typeof shapes.folderSeed>): Out<'folder'>;
  /** Removes a project, environment or folder; its leases go without being revoked, as in the real server. */
  removePlace(input: In<typeof shapes.placeRemoval>): Out<'done'>;
  /** Adds a dynamic secret; makes its folder if need be. */
  seedDynamicSecret(input: In<typeof shapes.secretSeed>): Out<'secret'>;
  overrideDynamicSecret(input: In<typeof shapes.secretOverride>): Out<'done'>;
  seedIdentity(input: In<typeof shapes.identitySeed>): Out<'identity'>;
  setGrants(input: In<typeof shapes.grantsChange>): Out<'done'>;
  /** A static token, as an administrator makes one. */
  mintToken(input: In<typeof shapes.tokenRequest>): Out<'token'>;
  killToken(input: In<typeof shapes.tokenKill>): Out<'killed'>;
  armFault(input: In<typeof shapes.faultRule>): Out<'fault'>;
  /** Takes one fault away, or all. */
  disarmFaults(input?: In<typeof shapes.faultRemoval>): Out<'done'>;
  listFaults(): Out<'faults'>;
  setSwitches(input: In<typeof shapes.switchesChange>): Out<'switches'>;
  setClock(input: In<typeof shapes.clockSetting>): Out<'now'>;
  advanceClock(input: In<typeof shapes.clockAdvance>): Out<'now'>;
  now(): Out<'now'>;
  /** Ledger entries from an index on, all or so many at most; `next` is the index to go on with. */
  readLedger(input?: In<typeof shapes.ledgerPortion>): Out<'ledger'>;
  /** The dynamic secrets, and every request that came about one since the last clearing, credentials included. */
  dynamicSecrets(): Out<'declarations'>;
  clearDynamicSecretRequests(): Out<'done'>;
  live(): Out<'live'>;
  /** Compares the leases with the principals that the providers really have. */
  principals(): Out<'principals'>;
  counts(): Out<'counts'>;
  /** Closes the API's port and stops what the server does by itself; its state stays. */
  pause(): Out<'done'>;
  /** Opens the same port again; what fell due in between happens now. */
  resume(): Out<'done'>;
}

/** Opens and closes the API's port. */
export interface Listener {
  pause(): Promise<void>;
  resume(): Promise<void>;
}

export function createControl(world: World, revocation: Revocation, listener: Listener): Control {
  return {
    ...seeding(world, revocation),
    ...tokensAndFaults(world),
    ...looking(world),
    ...running(world, listener),
  };
}

function command<S extends z.ZodType, O>(
  schema: S,
  run: (input: z.output<S>) => O | Promise<O>,
): (input: z.input<S>) => Promise<O> {
  return async (input) => run(schema.parse(input));
}

/** A command whose input may be left out. */
function optional<S extends z.ZodType, O>(
  schema: S,
  run: (input: z.output<S>) => O | Promise<O>,
): (input?: z.input<S>) => Promise<O> {
  return async (input) => run(schema.parse(input ?? {}));
}

type Seeding =
  | 'seedProject'
  | 'seedFolder'
  | 'removePlace'
  | 'seedDynamicSecret'
  | 'overrideDynamicSecret'
  | 'seedIdentity'
  | 'setGrants';

function seeding(world: World, revocation: Revocation): Pick<Control, Seeding> {
  const { projects, secrets, identities } = world;
  return {
    seedProject: command(shapes.projectSeed, ({ slug, environments }) => {
      const { id } = projects.ensure(slug);
      for (const environment of environments)
        for (const path of ['/', ...environment.folders])
          projects.ensureFolder({ projectSlug: slug, environmentSlug: environment.slug, path });
      return { projectId: id };
    }),
    seedFolder: command(shapes.folderSeed, (place) => ({ folderId: projects.ensureFolder(place).id })),
    removePlace: command(shapes.placeRemoval, ({ projectSlug, environmentSlug, path }) => {
      const removed = projects.remove({
        projectSlug,
        ...(environmentSlug !== undefined && { environmentSlug }),
        ...(path !== undefined && { path }),
      });
      for (const { id } of removed) for (const secret of secrets.inFolder(id)) revocation.drop(secret, null);
      return {};
    }),
    seedDynamicSecret: command(shapes.secretSeed, async (seed) => {
      const row = await addSecret(world, projects.ensureFolder(seed), seed, seed.type);
      row.lifeOverride = seed.lifeOverride;
      row.firstLife = seed.firstLife;
      row.dataOverride = seed.data === undefined ? null : { data: seed.data };
      return { dynamicSecretId: row.id };
    }),
    overrideDynamicSecret: command(shapes.secretOverride, ({ dynamicSecretId, lifeOverride, override }) => {
      const row = secrets.get(dynamicSecretId);
      if (row === undefined) throw new Error(`no dynamic secret has the id ${dynamicSecretId}`);
      if (lifeOverride !== undefined) row.lifeOverride = lifeOverride;
      if (override !== undefined) row.dataOverride = override;
      return {};
    }),
    seedIdentity: command(shapes.identitySeed, (seed) => {
      const { id, clientId, clientSecret } = identities.add(seed);
      return { identityId: id, clientId, clientSecret };
    }),
    setGrants: command(shapes.grantsChange, ({ identityId, grants }) => {
      known(world, identityId).grants = grants;
      return {};
    }),
  };
}

type TokensAndFaults = 'mintToken' | 'killToken' | 'armFault' | 'disarmFaults' | 'listFaults';

function tokensAndFaults(world: World): Pick<Control, TokensAndFaults> {
  const { tokens, faults } = world;
  return {
    mintToken: command(shapes.tokenRequest, ({ identityId }) => {
      const { accessToken, row } = tokens.issue(known(world, identityId));
      return { accessToken, tokenId: row.id };
    }),
    killToken: command(shapes.tokenKill, ({ tokenId, identityId, death }) => ({
      killed: tokens.kill(
        { ...(tokenId !== undefined && { tokenId }), ...(identityId !== undefined && { identityId }) },
        death,
      ),
    })),
    armFault: async (rule) => ({ faultId: faults.arm(rule) }),
    disarmFaults: optional(shapes.faultRemoval, ({ faultId }) => {
      faults.disarm(faultId);
      return {};
    }),
    listFaults: async () => ({ faults: [...faults.list()] }),
  };
}

type Looking =
  'now' | 'readLedger' | 'dynamicSecrets' | 'clearDynamicSecretRequests' | 'live' | 'principals' | 'counts';

function looking(world: World): Pick<Control, Looking> {
  const { clock, ledger, leases, secrets, declarations } = world;
  return {
    dynamicSecrets: async () => ({
      dynamicSecrets: secrets.all().map((row) => declaredSecretOf(world, row)),
      requests: declarations.all(),
    }),
    clearDynamicSecretRequests: async () => {
      declarations.clear();
      return {};
    },
    now: async () => ({ now: clock.now() }),
    readLedger: optional(shapes.ledgerPortion, ({ from, most }) => {
      const entries = [...ledger.entries(from, most)];
      return { entries, next: from + entries.length };
    }),
    live: async () => ({
      leases: leases.all().map(({ id, dynamicSecretId, ...row }) => ({
        leaseId: id,
        dynamicSecret: secrets.get(dynamicSecretId)?.name ?? '',
        dynamicSecretId,
        externalEntityId: row.externalEntityId,
        createdAt: row.createdAt,
        expireAt: row.expireAt,
        status: row.status,
        by: row.by,
        tag: row.tag,
      })),
    }),
    principals: async () => {
      const found = await Promise.all(secrets.providers().map(async (provider) => provider.principals()));
      const existing = new Set(found.flat());
      const named = leases.all().map(({ externalEntityId }) => externalEntityId);
      const leased = new Set(named);
      return {
        leased: named.filter((name) => existing.has(name)),
        unleased: [...existing].filter((name) => !leased.has(name)),
        missing: named.filter((name) => !existing.has(name)),
      };
    },
    counts: async () => ({ counts: ledger.counts() }),
  };
}

function running(
  { clock, switches }: World,
  listener: Listener,
): Pick<Control, 'setSwitches' | 'setClock' | 'advanceClock' | 'pause' | 'resume'> {
  return {
    setSwitches: command(shapes.switchesChange, (change) => Object.assign(switches, change)),
    setClock: command(shapes.clockSetting, ({ offsetMs, scale }) => {
      clock.set({ ...(offsetMs !== undefined && { offsetMs }), ...(scale !== undefined && { scale }) });
      return { now: clock.now() };
    }),
    advanceClock: command(shapes.clockAdvance, ({ ms }) => {
      clock.advance(ms);
      return { now: clock.now() };
    }),
    pause: async () => {
      await listener.pause();
      return {};
    },
    resume: async () => {
      await listener.resume();
      return {};
    },
  };
}

function known(world: World, identityId: string): NonNullable<ReturnType<World['identities']['get']>> {
  const identity = world.identities.get(identityId);
  if (identity === undefined) throw new Error(`no identity has the id ${identityId}`);
  return identity;
}
