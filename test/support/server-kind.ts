/** What the lease API does with the tag of a request. */
export const SERVERS = ['tags-kept', 'tags-dropped'] as const;
export type ServerKind = (typeof SERVERS)[number];
