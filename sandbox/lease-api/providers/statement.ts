/**
 * Fills a statement template and splits it as the server does: on every semicolon, so one inside a literal or a
 * DO block breaks the statement.
 */
export function renderStatements(
  template: string,
  variables: Readonly<Record<string, string>>,
): readonly string[] {
  return template
    .replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => variables[name] ?? '')
    .split(';')
    .map((statement) => statement.trim())
    .filter(Boolean);
}
