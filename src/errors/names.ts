/** The names that lead to a dynamic secret, as they stand in `spec.dynamicSecret`. */
export interface TargetName {
  readonly projectSlug: string;
  readonly environmentSlug: string;
  readonly path: string;
  readonly dynamicSecret: string;
}

/** Those of a dynamic secret, as a DynamicSecret declares it, or of its folder alone. */
export type DeclaredName = Omit<TargetName, 'dynamicSecret'> & { readonly dynamicSecret?: string };

/** A dynamic secret, as a sentence speaks of it. */
export const target = (t: TargetName): string =>
  `dynamic secret ${t.dynamicSecret} in project ${t.projectSlug}, environment ${t.environmentSlug}, path ${t.path}`;

/** The same, or where only a folder is spoken of. */
export const declared = (t: DeclaredName): string =>
  t.dynamicSecret === undefined
    ? `dynamic secrets in project ${t.projectSlug}, environment ${t.environmentSlug}, path ${t.path}`
    : target({ ...t, dynamicSecret: t.dynamicSecret });

/** Where a connection is named: in the spec itself, or in that of the DynamicSecret which it refers to. */
export const connectionField = ({ declaredBy }: { readonly declaredBy?: string | undefined }): string =>
  declaredBy === undefined ? 'spec.connectionRef' : `spec.connectionRef of DynamicSecret ${declaredBy}`;
