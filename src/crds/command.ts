import { customResourceDefinition, kinds } from '../api/crd.ts';

/** The custom resource definitions as YAML, for `kubectl apply -f -`. */
export async function renderCrds(): Promise<string> {
  const { stringify } = await import('yaml');
  const documents = kinds.map((kind) =>
    stringify(customResourceDefinition(kind), { lineWidth: 0, aliasDuplicateObjects: false }),
  );
  return documents.map((document) => `---\n${document}`).join('');
}
