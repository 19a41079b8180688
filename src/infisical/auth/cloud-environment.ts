/**
 * The variables that tell where the identity of the operator's own pod comes from, as the clouds' own webhooks and tools
 * name them. The parts of AWS's library read theirs themselves, where a login uses them.
 */
const names = [
  'AZURE_AUTHORITY_HOST',
  'AZURE_CLIENT_ID',
  'AZURE_FEDERATED_TOKEN_FILE',
  'AZURE_TENANT_ID',
  'CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS',
  'GCE_METADATA_HOST',
] as const;

export type AllowedEnvironment = Readonly<Partial<Record<(typeof names)[number], string>>>;

/** Takes these variables out of an environment; one that is empty counts as not set. */
export function cloudEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): AllowedEnvironment {
  const given = names.flatMap((name) => {
    const value = environment[name]?.trim();
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  return Object.freeze(Object.fromEntries(given));
}
