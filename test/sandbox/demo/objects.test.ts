import { Client } from 'pg';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

import { connectionYaml, dynamicSecretYaml, leaseYaml } from '../../../sandbox/demo/objects.ts';
import { render } from '../../../src/secret/render.ts';
import { shapeOf } from '../../../src/secret/shape.ts';
import { connectionSpec } from '../../../src/api/infisical-connection.ts';
import { dynamicSecretSpec } from '../../../src/api/dynamic-secret.ts';
import { leaseSpec } from '../../../src/api/dynamic-secret-lease.ts';

/** What a shell or YAML would read otherwise. */
const password = `1e5: "'#{{username}}\\`;

const inputs = {
  client: 'postgres' as const,
  host: '127.0.0.1',
  port: 5433,
  database: 'shop',
  username: 'postgres',
  password,
  creationStatement: `CREATE ROLE "{{username}}" WITH LOGIN PASSWORD '{{password}}';`,
  revocationStatement: 'DROP ROLE IF EXISTS "{{username}}";',
};

const applied = z.object({ kind: z.string(), spec: z.unknown(), stringData: z.unknown() }).partial();

function objectsIn(yaml: string): readonly z.infer<typeof applied>[] {
  return parseAllDocuments(yaml).map((document) => applied.parse(document.toJS()));
}

it('the dynamic secret of the demo is one that the schema takes, its password in the Secret alone', () => {
  const [secret, declared] = objectsIn(dynamicSecretYaml(inputs));
  expect(secret).toMatchObject({ kind: 'Secret', stringData: { password } });
  const { password: _secret, ...visible } = inputs;
  const spec = dynamicSecretSpec.parse(declared?.spec);
  expect(spec.provider).toEqual({ type: 'sql-database', inputs: visible });
  expect(JSON.stringify(declared)).not.toContain(JSON.stringify(password));
});

it('so are its connection, and the lease that refers to the dynamic secret', () => {
  const login = { clientId: 'an-id', clientSecret: 'a-secret' };
  const [secret, connection] = objectsIn(connectionYaml('http://127.0.0.1:8080', login));
  expect(secret).toMatchObject({ kind: 'Secret', stringData: login });
  expect(connectionSpec.safeParse(connection?.spec).error).toBeUndefined();
  const [lease] = objectsIn(leaseYaml({ host: '127.0.0.1', port: 5433, database: 'shop' }));
  expect(leaseSpec.parse(lease?.spec)).toMatchObject({ dynamicSecretRef: { name: 'orders-postgres' } });
});

it('the URL in the Secret of the demo gives a client the credentials back, whatever signs they have', () => {
  const [lease] = objectsIn(leaseYaml({ host: '127.0.0.1', port: 5433, database: 'shop' }));
  const { secret } = leaseSpec.parse(lease?.spec);
  const rendered = render('orders-db', shapeOf(secret), {
    DB_USERNAME: 'a user',
    DB_PASSWORD: password,
    OTHER: 'x',
  });
  const data = rendered.ok ? rendered.data : new Map<string, string>();
  expect([...data.keys()]).toEqual(['DATABASE_URL', 'DB_PASSWORD', 'DB_USERNAME']);
  expect(new Client({ connectionString: data.get('DATABASE_URL') })).toMatchObject({
    user: 'a user',
    password,
    host: '127.0.0.1',
    port: 5433,
    database: 'shop',
  });
});
