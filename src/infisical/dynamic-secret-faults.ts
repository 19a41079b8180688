import type { Target } from '../api/lease.ts';
import { type Fault, fault } from '../errors.ts';
import type { Folder } from './dynamic-secrets.ts';
import { knownDynamicSecretMessage, type KnownDynamicSecretMessage } from './known-messages.ts';
import type { Verdict } from './request-error.ts';

/** What was asked about a dynamic secret itself. */
export type AskedOfDynamicSecret =
  | {
      readonly kind: 'createDynamicSecret';
      readonly host: string;
      readonly target: Target;
      /** Names of the inputs that were sent. */
      readonly inputs: readonly string[];
    }
  | {
      readonly kind: 'updateDynamicSecret';
      readonly host: string;
      readonly target: Target;
      /** Names of the inputs that were sent. */
      readonly inputs: readonly string[];
      readonly newName?: string | undefined;
    }
  | { readonly kind: 'deleteDynamicSecret'; readonly host: string; readonly target: Target }
  | { readonly kind: 'listDynamicSecrets'; readonly host: string; readonly folder: Folder };

/** What the verdict on a refusal may see of the answer. */
export interface RefusedAnswer {
  readonly status: number;
  readonly error: string | undefined;
  readonly message: string | undefined;
  /** Where the issues of a failed validation are, in the body that was sent. */
  readonly issues: readonly IssuePath[];
}

type IssuePath = readonly (string | number)[];

/**
 * The verdict on a refusal that was raised before anything was done: a 4xx, or a failure of names alone. By the same rule
 * as in faults.ts.
 */
export function refusedDynamicSecret(asked: AskedOfDynamicSecret, answer: RefusedAnswer): Verdict {
  const { status, error } = answer;
  if (error === 'ValidationFailure')
    return refusal(
      status,
      fault('DynamicSecretInvalid', { ...named(asked), fields: fieldsOf(asked, answer) }),
    );
  if (status >= 500) return missing(asked, status);
  if (status === 401 || status === 403)
    return refusal(status, fault('ManagePermissionDenied', { ...named(asked), action: actions[asked.kind] }));
  const known = knownDynamicSecretMessage(status, answer.message);
  if (known !== undefined) return told(asked, known, status);
  if (status === 404 && error === 'NotFound') return missing(asked, status);
  return refusal(status, other(asked, status));
}

/** The verdict where the server says that it does not know what was named: the dynamic secret, or its folder. */
function missing(asked: AskedOfDynamicSecret, status: number): Verdict {
  const raised =
    asked.kind === 'updateDynamicSecret' || asked.kind === 'deleteDynamicSecret'
      ? fault('TargetNotFound', { ...asked.target, declared: true })
      : fault('FolderNotFound', named(asked));
  return { ...refusal(status, raised), notFound: 'target' };
}

const actions = {
  createDynamicSecret: 'create',
  updateDynamicSecret: 'edit',
  deleteDynamicSecret: 'delete',
  listDynamicSecrets: 'list',
} as const satisfies Record<AskedOfDynamicSecret['kind'], string>;

function refusal(status: number, raised: Fault): Verdict {
  return { fault: raised, fate: 'refused', status };
}

function told(asked: AskedOfDynamicSecret, { code }: KnownDynamicSecretMessage, status: number): Verdict {
  switch (code) {
    case 'PlanRestricted':
      return refusal(status, fault(code, { host: asked.host }));
    case 'FolderNotFound':
      return { ...refusal(status, fault(code, named(asked))), notFound: 'target' };
    case 'TargetNotFound':
      return missing(asked, status);
    case 'DynamicSecretExists':
    case 'ProviderUnreachable':
    case 'ProviderHostRefused':
      return refusal(status, ofWrite(asked, code) ?? other(asked, status));
  }
}

/** What only a request that makes or changes one can be refused for. */
function ofWrite(
  asked: AskedOfDynamicSecret,
  code: 'DynamicSecretExists' | 'ProviderUnreachable' | 'ProviderHostRefused',
): Fault | undefined {
  if (asked.kind === 'createDynamicSecret') return fault(code, asked.target);
  if (asked.kind !== 'updateDynamicSecret') return undefined;
  const { target, newName } = asked;
  return code === 'DynamicSecretExists'
    ? fault(code, { ...target, dynamicSecret: newName ?? target.dynamicSecret, renaming: true })
    : fault(code, target);
}

function other(asked: AskedOfDynamicSecret, status: number): Fault {
  return fault('DynamicSecretRefused', { ...named(asked), status, action: actions[asked.kind] });
}

function named(asked: AskedOfDynamicSecret): Folder & Partial<Target> {
  return 'folder' in asked ? asked.folder : asked.target;
}

/** The fields of the object that a request is made from, by their names in its body. */
const fields: Readonly<Record<string, string>> = {
  projectSlug: 'spec.projectSlug',
  environmentSlug: 'spec.environmentSlug',
  path: 'spec.path',
  name: 'spec.name',
  newName: 'spec.name',
  defaultTTL: 'spec.defaultTTL',
  maxTTL: 'spec.maxTTL',
  usernameTemplate: 'spec.usernameTemplate',
  metadata: 'spec.metadata',
  type: 'spec.provider.type',
};

/** The inputs of `sql-database`: one that is missing is complained of, too. */
const sqlInputs: ReadonlySet<string> = new Set([
  'client',
  'host',
  'port',
  'database',
  'username',
  'password',
  'creationStatement',
  'revocationStatement',
  'renewStatement',
  'ca',
  'sslEnabled',
  'gatewayId',
  'passwordRequirements',
]);

/** Which fields were not taken, of a closed set: a path that is not in it could hold anything, and is not told. */
function fieldsOf(asked: AskedOfDynamicSecret, { issues }: RefusedAnswer): readonly string[] {
  const sent = 'inputs' in asked ? asked.inputs : [];
  const isInput = (name: string): boolean => sqlInputs.has(name) || sent.includes(name);
  const found = issues.map((issue) => fieldOf(issue, isInput)).filter((field) => field !== undefined);
  return [...new Set(found)].sort();
}

function fieldOf(issue: IssuePath, isInput: (name: string) => boolean): string | undefined {
  const names = issue.map(String);
  const inputs = names.indexOf('inputs');
  const own = names[0] === 'data' || names[0] === 'provider' ? names[1] : names[0];
  if (inputs === -1 && own !== undefined && Object.hasOwn(fields, own)) return fields[own];
  // Of an update the inputs are looked at by themselves, so that their names come first.
  const input = names[inputs + 1];
  if (input !== undefined && isInput(input)) return `spec.provider.inputs.${input}`;
  return inputs === -1 ? undefined : 'spec.provider.inputs';
}
