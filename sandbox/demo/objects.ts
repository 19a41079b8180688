/** The objects that the demo applies, as a person would write them. */

/** Name of the lease and of its Secret. */
export const leaseName = 'orders-db';

/** Where the dynamic secret is, in the words of the lease API. */
export const place = { projectSlug: 'shop', environmentSlug: 'prod' };

export const dynamicSecretName = 'orders-postgres';

export interface Login {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A machine identity's login as a Secret, and a connection that names its keys. */
export function connectionYaml(hostAPI: string, { clientId, clientSecret }: Login): string {
  return `apiVersion: v1
kind: Secret
metadata:
  name: infisical-login
stringData:
  clientId: ${clientId}
  clientSecret: ${clientSecret}
---
apiVersion: leaseholder.dev/v1alpha1
kind: InfisicalConnection
metadata:
  name: infisical
spec:
  hostAPI: ${hostAPI}
  auth:
    universal:
      clientId: { secretKeyRef: { name: infisical-login, key: clientId } }
      clientSecret: { secretKeyRef: { name: infisical-login, key: clientSecret } }
`;
}

/** A lease of one minute, the shortest that there is. */
export const leaseYaml = `apiVersion: leaseholder.dev/v1alpha1
kind: DynamicSecretLease
metadata:
  name: ${leaseName}
spec:
  connectionRef:
    name: infisical
  dynamicSecret:
    name: ${dynamicSecretName}
    projectSlug: ${place.projectSlug}
    environmentSlug: ${place.environmentSlug}
  ttl: 1m
`;
