import { entry } from './entry.ts';
import { declared, target, type DeclaredName, type TargetName } from './names.ts';

/** The permission that a request about a dynamic secret itself needs: of servers of today, and of those of 2024. */
const permissions = {
  create: { today: 'create-root-credential', of2024: 'create' },
  edit: { today: 'edit-root-credential', of2024: 'edit' },
  delete: { today: 'delete-root-credential', of2024: 'edit' },
  list: { today: 'read-root-credential', of2024: 'read' },
} as const;

/** What can go wrong with a dynamic secret that an object declares. */
export const dynamicSecretFaults = {
  // The dynamic secret that an object declares
  DynamicSecretOwned: entry('slow', (d: TargetName & { held?: true }) =>
    d.held === true
      ? `Another DynamicSecret object of this cluster has ${target(d)}, so it is left to that one. Choose another spec.name, or delete the other object, with deletionPolicy Retain where what it has is to be taken over.`
      : `The server has ${target(d)} already, and the entry leaseholder-object of its metadata says that it is another object's, so it is left as it is. Choose another spec.name; or, where that object is gone, remove the entry and set spec.adoption to Adopt.`,
  ),
  DynamicSecretElsewhere: entry(
    'change',
    (d: { host: string; other: string }) =>
      `spec.connectionRef leads to ${d.host}, and the dynamic secret of this object is, or may be, at ${d.other}. Set spec.connectionRef back to a connection to that server; for ${d.host} make another DynamicSecret.`,
  ),
  DynamicSecretLost: entry(
    'backoff',
    (d: TargetName) =>
      `The server has no ${target(d)} any more, though nobody deleted this object. It is created again.`,
  ),
  RemovalFailed: entry(
    'backoff',
    (d: TargetName) =>
      `The server could not remove ${target(d)}, or revoke the leases that live there. It is tried again; check the provider behind it. With the annotation leaseholder.dev/force-delete: "true" on this object it is removed without its leases being revoked, and their credentials may then survive at the provider.`,
  ),

  // What the server says of a dynamic secret that is declared
  FolderNotFound: entry(
    'slow',
    (d: Omit<TargetName, 'dynamicSecret'>) =>
      `The server knows no folder ${d.path} in environment ${d.environmentSlug} of project ${d.projectSlug}. Check spec.projectSlug, spec.environmentSlug and spec.path, or create the folder on the server.`,
  ),
  ManagePermissionDenied: entry(
    'slow',
    (d: DeclaredName & { action: keyof typeof permissions }) =>
      `The connection's identity may not ${d.action} ${declared(d)}. Give its role the "${permissions[d.action].today}" permission on dynamic secrets there; a server of 2024 asks for "${permissions[d.action].of2024}" on secrets instead.`,
  ),
  DynamicSecretExists: entry('slow', (d: TargetName & { renaming?: true }) =>
    d.renaming === true
      ? `Another ${target(d)} exists, so this one cannot take its name. Choose another spec.name, or remove the other from the server.`
      : `The ${target(d)} exists, and this object has not made it, so it is left as it is. Choose another spec.name, remove it from the server, or set spec.adoption to Adopt to take it over.`,
  ),
  ProviderUnreachable: entry(
    'slow',
    (d: TargetName) =>
      `The server could not connect to the provider of ${target(d)}. Check in spec.provider.inputs the address and the login (of a database: host, port, database, username, ca), the Secrets that spec.inputsFrom names (such as for password), and that the provider can be reached from where the server runs.`,
  ),
  ProviderHostRefused: entry(
    'slow',
    (d: TargetName) =>
      `The server does not connect to what spec.provider.inputs.host names for ${target(d)}: it refuses addresses that are local to it, and its own database. Name the provider as it is reached from where the server runs.`,
  ),
  DynamicSecretInvalid: entry(
    'slow',
    (d: DeclaredName & { fields: readonly string[] }) =>
      `The server does not take ${d.fields.length === 0 ? 'what spec says' : d.fields.join(', ')} for ${declared(d)}. Correct it in spec, or, where spec.inputsFrom gives it, in the Secret that it names.`,
  ),
  DynamicSecretRefused: entry(
    'slow',
    (d: DeclaredName & { status: number; action: keyof typeof permissions }) =>
      `The server refused with status ${d.status} to ${d.action} ${declared(d)}. Check spec.provider.type and spec.provider.inputs, what spec.inputsFrom gives, spec.usernameTemplate and spec.metadata, and the server's own log.`,
  ),
} as const;
