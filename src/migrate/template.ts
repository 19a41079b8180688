/** What a template of the other operator comes to; undefined where it is more than values in a text. */
export function convertTemplate(text: string): string | undefined {
  let isSimple = true;
  const converted = text.replaceAll(ACTION, (_action, inside: string) => {
    const named = VALUE.exec(inside.trim());
    const [, name = '', filters = ''] = named ?? [];
    const steps = filters
      .split('|')
      .slice(1)
      .map((step) => step.trim());
    const known = steps.map((step) => FILTERS.get(step));
    if (named === null || known.includes(undefined)) isSimple = false;
    return `{{ ${[name, ...known].join(' | ')} }}`;
  });
  return isSimple && !converted.includes('{%') ? converted : undefined;
}

/** A Go template's action. */
const ACTION = /\{\{-?([^}]*?)-?\}\}/g;

/** A value of the lease, and what it is piped through. */
const VALUE = /^\.([A-Za-z_][A-Za-z0-9_]*)(?:\.Value)?((?:\s*\|\s*[A-Za-z0-9_]+)*)$/;

/** Functions of Go's templates and of Sprig that have a counterpart of the same meaning. */
const FILTERS: ReadonlyMap<string, string> = new Map([
  ['urlquery', 'url_encode'],
  ['b64enc', 'base64_encode'],
  ['b64dec', 'base64_decode'],
  ['upper', 'upcase'],
  ['lower', 'downcase'],
  ['trim', 'strip'],
]);
