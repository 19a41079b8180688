import { type Action, allows, type Identity, isMember, worded } from './identities.ts';
import type { Folder } from './projects.ts';
import type { FolderWording, Place, SecretWording } from './wording.ts';
import type { SecretRow } from './secret-store.ts';
import type { World } from './world.ts';

/** What a route asks of its caller. */
export interface Need {
  /** Actions on the current server, all of them; none: membership is enough. */
  readonly current: readonly Action[];
  /** The action on a server of 2024. */
  readonly '2024': Action;
  /** Named where the route belongs to a paid plan. */
  readonly plan?: 'create lease' | 'renew lease' | 'create dynamic secret' | 'update dynamic secret';
  readonly folder: FolderWording;
}

export interface Entry {
  readonly folder: Folder;
  /** The dynamic secret of that name, for a caller who may do what the route does. */
  secret(name: string, wording: SecretWording): SecretRow;
  /** On the current server permission is checked last, so that its absence does not hide a 404. */
  permit(): void;
}

/**
 * The checks that every route begins with, in the order of the server: project, membership, plan, folder, dynamic
 * secret, permission. A server of 2024 asks for the permission before the plan.
 *
 * @throws Refusal at the first check that fails.
 */
export function enter(world: World, identity: Identity, place: Place, need: Need): Entry {
  const { projects, wording, profile } = world;
  if (projects.get(place.projectSlug) === undefined) throw wording.project(place.projectSlug);
  if (!isMember(identity, place.projectSlug)) throw wording.member();
  const actions = profile === 'current' ? need.current : [need['2024']];
  const demand = (): void => {
    const missing = actions.find((action) => !allows(identity, place, action));
    if (missing !== undefined) throw wording.permission({ ...worded(missing, profile), place });
  };
  if (profile === '2024') demand();
  if (need.plan !== undefined && !world.switches.licensed) throw wording.plan(need.plan);
  const folder = folderAt(world, place, need.folder);
  const permit = profile === 'current' ? demand : (): void => {};
  return {
    folder,
    permit,
    secret: (name, secretWording) => {
      const secret = world.secrets.find(folder.id, name);
      if (secret === undefined) throw wording.secret(name, place.path, secretWording);
      permit();
      return secret;
    },
  };
}

function folderAt({ projects, wording }: World, place: Place, folderWording: FolderWording): Folder {
  const found = projects.lookUp(place);
  if (found === 'missing') throw wording.folder(place, folderWording);
  if (found === 'invalid-segment') throw wording.pathSegment(place, folderWording);
  return found;
}
