import { randomUUID } from 'node:crypto';
import type { Place } from './wording.ts';

export interface Folder {
  readonly id: string;
  readonly projectSlug: string;
  readonly environmentSlug: string;
  /** Without a trailing slash; `/` for the root. */
  readonly path: string;
}

export interface Project {
  readonly id: string;
  readonly slug: string;
  /** Environment slug, then path. */
  readonly environments: Map<string, Map<string, Folder>>;
}

const SEGMENT = /^[a-zA-Z0-9\-_]+$/;

export type Lookup = Folder | 'missing' | 'invalid-segment';

/** The projects with their environments and folders. Slugs and paths are case-sensitive. */
export class Projects {
  readonly #projects = new Map<string, Project>();

  get(slug: string): Project | undefined {
    return this.#projects.get(slug);
  }

  /** The project of that slug, made if it is not there. */
  ensure(slug: string): Project {
    const project = this.#projects.get(slug) ?? { id: randomUUID(), slug, environments: new Map() };
    this.#projects.set(slug, project);
    return project;
  }

  /** The folder, made with everything above it if it is not there. */
  ensureFolder({ projectSlug, environmentSlug, path }: Place): Folder {
    const { environments } = this.ensure(projectSlug);
    const folders = environments.get(environmentSlug) ?? new Map<string, Folder>();
    environments.set(environmentSlug, folders);
    const segments = path.split('/').filter(Boolean);
    let folder = ensurePath(folders, { projectSlug, environmentSlug, path: '/' });
    for (const index of segments.keys()) {
      const below = `/${segments.slice(0, index + 1).join('/')}`;
      folder = ensurePath(folders, { projectSlug, environmentSlug, path: below });
    }
    return folder;
  }

  /** As the server looks a path up: it has to start with a slash and must not hold two of them in a row. */
  lookUp({ projectSlug, environmentSlug, path }: Place): Lookup {
    if (!path.startsWith('/') || path.includes('//')) return 'missing';
    const segments = path.split('/').filter(Boolean);
    if (!segments.every((segment) => SEGMENT.test(segment))) return 'invalid-segment';
    const folders = this.#projects.get(projectSlug)?.environments.get(environmentSlug);
    return folders?.get(`/${segments.join('/')}`) ?? 'missing';
  }

  /** Removes a project, or one of its environments, or a folder with what is below it; returns the removed folders. */
  remove(place: { projectSlug: string; environmentSlug?: string; path?: string }): readonly Folder[] {
    const removed = this.#folders().filter((folder) => covers(place, folder));
    for (const { projectSlug, environmentSlug, path } of removed)
      this.#projects.get(projectSlug)?.environments.get(environmentSlug)?.delete(path);
    if (place.environmentSlug === undefined) this.#projects.delete(place.projectSlug);
    else if (place.path === undefined)
      this.#projects.get(place.projectSlug)?.environments.delete(place.environmentSlug);
    return removed;
  }

  #folders(): readonly Folder[] {
    return [...this.#projects.values()].flatMap(({ environments }) =>
      [...environments.values()].flatMap((folders) => [...folders.values()]),
    );
  }
}

function ensurePath(folders: Map<string, Folder>, place: Place): Folder {
  const folder = folders.get(place.path) ?? { id: randomUUID(), ...place };
  folders.set(place.path, folder);
  return folder;
}

function covers(
  place: { projectSlug: string; environmentSlug?: string; path?: string },
  folder: Folder,
): boolean {
  const { projectSlug, environmentSlug = folder.environmentSlug, path = '/' } = place;
  const inside = path === '/' || folder.path === path || folder.path.startsWith(`${path}/`);
  return projectSlug === folder.projectSlug && environmentSlug === folder.environmentSlug && inside;
}
