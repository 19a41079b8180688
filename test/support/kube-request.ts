/** What a request to the Kubernetes API is about. */
export interface KubeRequest {
  /** Such as "POST secrets" or "PATCH dynamicsecretleases/status". */
  readonly what: string;
  /** The object's name: from the path, or of a POST from its body. */
  readonly name: string;
  readonly dryRun: boolean;
  readonly query: URLSearchParams;
}

const objectPath = /^\/apis?\/(?:[^/]+\/)*?namespaces\/[^/]+\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/;

export function kubeRequestOf(method: string, url: string, body: Buffer): KubeRequest {
  const { pathname, searchParams } = new URL(url, 'https://server');
  const [, plural = pathname, name, subresource] = objectPath.exec(pathname) ?? [];
  return {
    what: `${method} ${plural}${subresource === undefined ? '' : `/${subresource}`}`,
    name: name ?? nameIn(body),
    dryRun: searchParams.has('dryRun'),
    query: searchParams,
  };
}

function nameIn(body: Buffer): string {
  if (body.length === 0) return '';
  const object = JSON.parse(body.toString()) as { readonly metadata?: { readonly name?: string } };
  return object.metadata?.name ?? '';
}
