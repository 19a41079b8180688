import type { SqlInputs } from '../lease-api/providers/inputs.ts';

/** The objects that the demo applies, as a person would write them. */

/** Name of the lease and of its Secret. */
export const leaseName = 'orders-db';

/** Where the dynamic secret is to be, in the words of the lease API. */
export const place = { projectSlug: 'shop', environmentSlug: 'prod' };

/** Name of the dynamic secret, as an object and on the server. */
export const dynamicSecretName = 'orders-postgres';

export const connectionName = 'infisical';

/** The Secrets that are put in by hand: the login, and the password of the database's administrator. */
export const loginName = 'infisical-login';
export const administratorName = 'orders-postgres-admin';

export interface Login {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A machine identity's login as a Secret, and a connection that names its keys. */
export function connectionYaml(hostAPI: string, { clientId, clientSecret }: Login): string {
  return `apiVersion: v1
kind: Secret
metadata:
  name: ${loginName}
stringData:
  clientId: ${clientId}
  clientSecret: ${clientSecret}
---
apiVersion: leaseholder.dev/v1alpha1
kind: InfisicalConnection
metadata:
  name: ${connectionName}
spec:
  hostAPI: ${hostAPI}
  auth:
    universal:
      clientId: { secretKeyRef: { name: ${loginName}, key: clientId } }
      clientSecret: { secretKeyRef: { name: ${loginName}, key: clientSecret } }
`;
}

/** What makes users of a database, and the password of its administrator as a Secret beside it. */
export function dynamicSecretYaml({ password, ...inputs }: SqlInputs): string {
  return `apiVersion: v1
kind: Secret
metadata:
  name: ${administratorName}
stringData:
  password: ${JSON.stringify(password)}
---
apiVersion: leaseholder.dev/v1alpha1
kind: DynamicSecret
metadata:
  name: ${dynamicSecretName}
spec:
  connectionRef:
    name: ${connectionName}
  name: ${dynamicSecretName}
  projectSlug: ${place.projectSlug}
  environmentSlug: ${place.environmentSlug}
  defaultTTL: 1h
  provider:
    type: sql-database
    inputs:
      client: ${inputs.client}
      host: ${inputs.host}
      port: ${String(inputs.port)}
      database: ${inputs.database}
      username: ${inputs.username}
      creationStatement: |-
        ${inputs.creationStatement}
      revocationStatement: |-
        ${inputs.revocationStatement}
  inputsFrom:
    - input: password
      secretKeyRef: { name: ${administratorName}, key: password }
`;
}

/** Where a database is. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly database: string;
}

/**
 * A lease of one minute, the shortest that there is. Its connection is that of the dynamic secret. Its Secret has a URL
 * that an application can use as it is, beside the two keys of the lease.
 */
export function leaseYaml({ host, port, database }: Address): string {
  return `apiVersion: leaseholder.dev/v1alpha1
kind: DynamicSecretLease
metadata:
  name: ${leaseName}
spec:
  dynamicSecretRef:
    name: ${dynamicSecretName}
  ttl: 1m
  secret:
    include: [DB_USERNAME, DB_PASSWORD]
    data:
      DATABASE_URL: 'postgres://{{ DB_USERNAME | url_encode }}:{{ DB_PASSWORD | url_encode }}@${host}:${String(port)}/${database}'
`;
}
