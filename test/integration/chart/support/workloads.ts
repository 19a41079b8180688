type Labels = Readonly<Record<string, string>>;

interface Marks {
  /** Of the object. */
  readonly own?: Labels;
  /** Of the pod template. */
  readonly labels?: Labels;
  readonly annotations?: Labels;
}

/** A Deployment, StatefulSet, DaemonSet or Rollout of namespace default, whose pods nobody makes here. */
export function workload(kind: string, name: string, { own = {}, labels, annotations }: Marks = {}): object {
  const selected = { app: `${kind.toLowerCase()}-${name}` };
  return {
    apiVersion: kind === 'Rollout' ? 'argoproj.io/v1alpha1' : 'apps/v1',
    kind,
    metadata: { name, namespace: 'default', labels: own },
    spec: {
      selector: { matchLabels: selected },
      template: {
        metadata: { labels: { ...selected, ...labels }, ...(annotations !== undefined && { annotations }) },
        spec: { containers: [{ name: 'app', image: 'example.com/app' }] },
      },
    },
  };
}

/** The kind of Argo, with whatever spec and status. */
export function argoRollouts(): object {
  const any = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const openAPIV3Schema = { type: 'object', properties: { spec: any, status: any } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'rollouts.argoproj.io' },
    spec: {
      group: 'argoproj.io',
      names: { kind: 'Rollout', singular: 'rollout', plural: 'rollouts', listKind: 'RolloutList' },
      scope: 'Namespaced',
      versions: [{ name: 'v1alpha1', served: true, storage: true, schema: { openAPIV3Schema } }],
    },
  };
}
