import type { FaultCode } from '../errors.ts';

/** What a message that is known word for word says. */
export interface KnownMessage {
  readonly pattern: RegExp;
  readonly code: Extract<
    FaultCode,
    'RequestRefused' | 'TargetNotFound' | 'TTLTooLong' | 'LeaseLimitReached' | 'PlanRestricted'
  >;
  readonly notFound?: 'lease' | 'target';
}

const projectMissing = /^Project (?:with slug '[^']*' )?not found$/;
const folderMissing = /^Folder (?:with path '[^']*' (?:in environment (?:with slug )?'[^']*' )?)?not found$/;
const dynamicSecretMissing =
  /^Dynamic secret (?:with (?:name|ID) '[^']*' (?:in folder (?:with path )?'[^']*' )?)?not found$/;

/**
 * The newer wordings and those of 2024 (which name nothing). All of them come with 400 or 404, are surely refusals, and
 * lead to codes of the retry class `slow`, as the same answer with unknown words does.
 */
const messages: readonly KnownMessage[] = [
  {
    pattern: /^Dynamic secret lease (?:with ID '[^']*' )?not found$/,
    code: 'RequestRefused',
    notFound: 'lease',
  },
  { pattern: projectMissing, code: 'TargetNotFound', notFound: 'target' },
  { pattern: folderMissing, code: 'TargetNotFound', notFound: 'target' },
  { pattern: dynamicSecretMissing, code: 'TargetNotFound', notFound: 'target' },
  { pattern: /^TTL cannot be larger than max ttl$/i, code: 'TTLTooLong' },
  { pattern: /^Max lease limit reached\. Limit: \d+$/, code: 'LeaseLimitReached' },
  { pattern: /^Failed to create lease due to plan restriction\./, code: 'PlanRestricted' },
];

/** The same of dynamic secrets themselves. */
export interface KnownDynamicSecretMessage {
  readonly pattern: RegExp;
  readonly code: Extract<
    FaultCode,
    | 'DynamicSecretExists'
    | 'FolderNotFound'
    | 'PlanRestricted'
    | 'ProviderHostRefused'
    | 'ProviderUnreachable'
    | 'TargetNotFound'
  >;
}

const dynamicSecretMessages: readonly KnownDynamicSecretMessage[] = [
  {
    pattern: /^Provided dynamic secret already exists? under the folder$/,
    code: 'DynamicSecretExists',
  },
  // What follows may be the driver's own words.
  {
    pattern: /^(?:Provider connection failed|Failed to connect with provider)\b/,
    code: 'ProviderUnreachable',
  },
  { pattern: /^(?:Invalid db host|Local IPs not allowed as URL)$/, code: 'ProviderHostRefused' },
  {
    pattern: /^Failed to (?:create|update) dynamic secret due to plan restriction\./,
    code: 'PlanRestricted',
  },
  { pattern: projectMissing, code: 'FolderNotFound' },
  { pattern: folderMissing, code: 'FolderNotFound' },
  { pattern: dynamicSecretMissing, code: 'TargetNotFound' },
];

/** The meaning of a message, or undefined where its words are not known. */
export function knownMessage(status: number, message: string | undefined): KnownMessage | undefined {
  return found(messages, status, message);
}

/** The meaning of a message about a dynamic secret itself, or undefined where its words are not known. */
export function knownDynamicSecretMessage(
  status: number,
  message: string | undefined,
): KnownDynamicSecretMessage | undefined {
  return found(dynamicSecretMessages, status, message);
}

function found<Known extends { readonly pattern: RegExp }>(
  known: readonly Known[],
  status: number,
  message: string | undefined,
): Known | undefined {
  if (message === undefined || (status !== 400 && status !== 404)) return undefined;
  return known.find(({ pattern }) => pattern.test(message));
}
