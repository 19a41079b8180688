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
  { pattern: /^Project (?:with slug '[^']*' )?not found$/, code: 'TargetNotFound', notFound: 'target' },
  {
    pattern: /^Folder (?:with path '[^']*' (?:in environment (?:with slug )?'[^']*' )?)?not found$/,
    code: 'TargetNotFound',
    notFound: 'target',
  },
  {
    pattern: /^Dynamic secret (?:with (?:name|ID) '[^']*' (?:in folder (?:with path )?'[^']*' )?)?not found$/,
    code: 'TargetNotFound',
    notFound: 'target',
  },
  { pattern: /^TTL cannot be larger than max ttl$/i, code: 'TTLTooLong' },
  { pattern: /^Max lease limit reached\. Limit: \d+$/, code: 'LeaseLimitReached' },
  { pattern: /^Failed to create lease due to plan restriction\./, code: 'PlanRestricted' },
];

/** The meaning of a message, or undefined where its words are not known. */
export function knownMessage(status: number, message: string | undefined): KnownMessage | undefined {
  if (message === undefined || (status !== 400 && status !== 404)) return undefined;
  return messages.find(({ pattern }) => pattern.test(message));
}
