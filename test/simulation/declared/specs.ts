import type { DynamicSecretSpec } from '../../../src/api/dynamic-secret.ts';
import type { Random } from '../random.ts';

/** What a declaration is drawn by. */
export interface Drawing {
  readonly random: Random;
  /** Whether the server's marks cannot be seen: there nobody dares to adopt what may be another's. */
  readonly blind: boolean;
}

/** The folder that everybody declares in. */
export const folder = { projectSlug: 'shop', environmentSlug: 'prod', path: '/' } as const;

/** A name that both namespaces, and strangers, want. */
export const SHARED = 'shared-postgres';
export const ttls = ['1h', '2h', '90m'] as const;

/** What every password of a provider begins with. */
export const INPUT_CANARY = 'admin-word-';

/** Objects contend for names only where they can see who has them. */
export function drawName({ random, blind }: Drawing, namespace: string, object: string): string {
  if (random.chance(0.15)) return SHARED;
  return blind
    ? `${namespace}-${object}-${random.pick(['one', 'two'])}`
    : `${namespace}-${random.pick(['orders', 'mail', 'billing', 'log'])}`;
}

export function drawSpec(drawing: Drawing, namespace: string, object: string): DynamicSecretSpec {
  const { random, blind } = drawing;
  const name = drawName(drawing, namespace, object);
  const maxTTL = random.chance(0.5) ? { maxTTL: random.pick(['4h', '1d']) } : {};
  const template = random.chance(0.3) ? { usernameTemplate: '{{randomUsername}}' } : {};
  const metadata = random.chance(0.4) ? { metadata: [{ key: 'team', value: random.pick(['a', 'b']) }] } : {};
  const adopts = random.chance(0.3) && !(blind && name === SHARED);
  return {
    connectionRef: { kind: 'InfisicalConnection', name: 'infisical' },
    name,
    ...folder,
    defaultTTL: random.pick(ttls),
    ...maxTTL,
    ...template,
    ...metadata,
    provider: {
      type: 'sql-database',
      inputs: {
        client: 'postgres',
        host: random.pick(['db-a.example.com', 'db-b.example.com']),
        port: 5432,
        database: 'shop',
        username: 'admin',
        creationStatement: 'CREATE ROLE "{{username}}" LOGIN;',
        revocationStatement: 'DROP ROLE "{{username}}";',
      },
    },
    inputsFrom: [{ input: 'password', secretKeyRef: { name: 'admin', key: 'password' } }],
    ...(adopts ? { adoption: 'Adopt' } : {}),
    ...(random.chance(0.15) ? { deletionPolicy: 'Retain' } : {}),
  };
}
