import path from 'node:path';

/** The root of the repository; the paths of generated files start there. */
export const root = path.join(import.meta.dirname, '..', '..');

/** The chart, from the root. */
export const CHART = 'deploy/helm/leaseholder';

/** The namespace and the name that all documents and plain manifests install the operator by. */
export const RELEASE: { readonly namespace: string; readonly name: string } = {
  namespace: 'leaseholder-system',
  name: 'leaseholder',
};
