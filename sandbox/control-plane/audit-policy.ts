/**
 * What the audit log records, first matching rule first. Counts are exact because each request leaves one event:
 * an ordinary request when it is complete, a watch when it starts (it may never complete).
 */
export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitManagedFields: true,
  rules: [
    // The sandbox's own waiting, and what the control plane reads for itself: most of the volume, of no interest.
    { level: 'None', nonResourceURLs: ['/readyz*', '/livez*', '/healthz*'] },
    {
      level: 'None',
      users: ['system:apiserver', 'system:kube-controller-manager'],
      verbs: ['get', 'list', 'watch'],
    },
    { level: 'Metadata', verbs: ['watch'], omitStages: ['RequestReceived', 'ResponseComplete'] },
    // Leaseholder's objects refer to credentials and never hold them, so their content may be recorded.
    {
      level: 'Request',
      verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
      resources: [{ group: 'leaseholder.dev' }],
      omitStages: ['RequestReceived'],
    },
    { level: 'Metadata', omitStages: ['RequestReceived'] },
  ],
} as const;
