import { GENERIC_MESSAGE, type Profile, Refusal } from './refusal.ts';

/** Where a folder was looked for decides how its absence is worded. */
export type FolderWording = 'lease' | 'lease-get' | 'secret';
export type SecretWording = 'lease' | 'secret' | 'secret-get';

export interface Place {
  readonly projectSlug: string;
  readonly environmentSlug: string;
  readonly path: string;
}

/** Every documented refusal of a request that was understood, in the words of one profile. */
export interface Wording {
  project(slug: string): Refusal;
  member(): Refusal;
  folder(place: Place, wording: FolderWording): Refusal;
  pathSegment(place: Place, wording: FolderWording): Refusal;
  secret(name: string, path: string, wording: SecretWording): Refusal;
  secretOfLease(id: string): Refusal;
  lease(id: string): Refusal;
  duplicate(): Refusal;
  createOverMax(): Refusal;
  renewOverMax(): Refusal;
  limit(limit: number): Refusal;
  plan(operation: string): Refusal;
  permission(denied: { action: string; subject: string; place: Place }): Refusal;
  maintenance(): Refusal;
}

export function wordingOf(profile: Profile): Wording {
  return profile === '2024' ? WORDING_2024 : WORDING_CURRENT;
}

const COMMON = {
  createOverMax: () => new Refusal('bad-request', 'TTL cannot be larger than max TTL'),
  limit: (limit: number) => new Refusal('bad-request', `Max lease limit reached. Limit: ${limit}`),
  plan: (operation: string) =>
    new Refusal(
      'bad-request',
      `Failed to ${operation} due to plan restriction. Upgrade plan to create dynamic secret.`,
    ),
  maintenance: () =>
    new Refusal('internal', 'Infisical is in maintenance mode. Please try again later.', {
      error: 'Internal Server Error',
    }),
} as const;

const WORDING_CURRENT: Wording = {
  ...COMMON,
  project: (slug) => new Refusal('not-found', `Project with slug '${slug}' not found`),
  member: () => new Refusal('forbidden', 'The identity is not a member of this project'),
  folder: ({ environmentSlug, path }, wording) => {
    const place = {
      lease: ` in environment with slug '${environmentSlug}'`,
      'lease-get': '',
      secret: ` in environment '${environmentSlug}'`,
    }[wording];
    return new Refusal('not-found', `Folder with path '${path}'${place} not found`);
  },
  pathSegment: (place, wording) => WORDING_CURRENT.folder(place, wording),
  secret: (name, path, wording) => {
    const text = {
      lease: `'${name}' in folder with path '${path}'`,
      secret: `'${name}' in folder '${path}'`,
      // The missing quotation mark is the server's.
      'secret-get': `'${name} in folder '${path}'`,
    }[wording];
    return new Refusal('not-found', `Dynamic secret with name ${text} not found`);
  },
  secretOfLease: (id) => new Refusal('not-found', `Dynamic secret with ID '${id}' not found`),
  lease: (id) => new Refusal('not-found', `Dynamic secret lease with ID '${id}' not found`),
  duplicate: () => new Refusal('bad-request', 'Provided dynamic secret already exists under the folder'),
  renewOverMax: () =>
    new Refusal(
      'bad-request',
      'The requested renewal would exceed the maximum allowed lease duration. Please choose a shorter TTL',
    ),
  permission: ({ action, subject, place }) =>
    new Refusal('permission', `You are not allowed to ${action} on ${subject}`, {
      details: [
        {
          action,
          inverted: false,
          subject,
          conditions: { environment: place.environmentSlug, secretPath: place.path },
        },
      ],
    }),
};

const WORDING_2024: Wording = {
  ...COMMON,
  project: () => new Refusal('database', GENERIC_MESSAGE, { error: 'Find project by slug' }),
  member: () =>
    new Refusal('unauthorized', 'The identity is not part of the project', {
      error: 'Identity not in project',
    }),
  folder: () => new Refusal('not-found', 'Folder not found'),
  pathSegment: () => new Refusal('database', GENERIC_MESSAGE, { error: 'Find by secret path' }),
  secret: () => new Refusal('not-found', 'Dynamic secret not found'),
  secretOfLease: () => new Refusal('not-found', 'Dynamic secret not found'),
  lease: () => new Refusal('not-found', 'Dynamic secret lease not found'),
  duplicate: () => new Refusal('bad-request', 'Provided dynamic secret already exist under the folder'),
  renewOverMax: () => new Refusal('bad-request', 'TTL cannot be larger than max ttl'),
  permission: ({ action, subject }) =>
    new Refusal('permission', `You are not allowed to ${action} on ${subject}`),
};
