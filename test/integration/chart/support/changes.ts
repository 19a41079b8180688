type Patch = Readonly<Record<string, unknown>>;

const template = (part: Patch): Patch => ({ spec: { template: part } });
const metadata = (part: Patch): Patch => ({ metadata: part });
const containers = { containers: [{ name: 'app', image: 'example.com/evil' }] };
const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: 'b7e1f3d2-5f0c-4a53-9d53-0a2f2f2f4b11' };

/** Merge patches of a workload that the operator must not be able to make; its pod template has the annotation and label `mine`. */
export const workloadChanges: Readonly<Record<string, Patch>> = {
  'another image': template({ spec: containers }),
  'another account': template({ spec: { serviceAccountName: 'admin' } }),
  'another annotation of the template': template({ metadata: { annotations: { 'example.com/new': 'x' } } }),
  'a changed annotation of the template': template({ metadata: { annotations: { mine: 'changed' } } }),
  'an annotation of the template less': template({ metadata: { annotations: { mine: null } } }),
  'another label of the template': template({ metadata: { labels: { new: 'x' } } }),
  'an annotation of ours beside an image': template({
    metadata: { annotations: { 'restart.leaseholder.dev/named': 'x' } },
    spec: containers,
  }),
  'another time to be ready in': { spec: { minReadySeconds: 7 } },
  'an annotation of its own': metadata({ annotations: { 'example.com/new': 'x' } }),
  'an annotation of ours of its own': metadata({ annotations: { 'restart.leaseholder.dev/named': 'x' } }),
  'a label of its own': metadata({ labels: { new: 'x' } }),
  'a finalizer': metadata({ finalizers: ['example.com/kept'] }),
  'an owner': metadata({ ownerReferences: [owner] }),
};

/** The same of a pod, which has the annotation and label `mine`. */
export const podChanges: Readonly<Record<string, Patch>> = {
  'another image': { spec: containers },
  'an end': { spec: { activeDeadlineSeconds: 1 } },
  'another annotation': metadata({ annotations: { 'example.com/new': 'x' } }),
  'a changed annotation': metadata({ annotations: { mine: 'changed' } }),
  'an annotation less': metadata({ annotations: { mine: null } }),
  'another label': metadata({ labels: { new: 'x' } }),
  'a label less': metadata({ labels: { mine: null } }),
  'a finalizer': metadata({ finalizers: ['example.com/kept'] }),
  'an owner': metadata({ ownerReferences: [owner] }),
};
