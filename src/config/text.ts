import { options } from './options.ts';
import type { Option } from './options.ts';

/** What `--help` prints. */
export function renderHelp(): string {
  const entries = options.map((option) =>
    [
      `  ${option.flag} ${option.value}`,
      `      ${plain(option.meaning)}`,
      `      Default: ${plain(defaultText(option))}.`,
    ].join('\n'),
  );
  return [
    'leaseholder: a Kubernetes operator that keeps Secrets filled with short-lived credentials.',
    '',
    'Usage: leaseholder [--flag VALUE ...]',
    '       leaseholder check --connection NAMESPACE/NAME [--flag VALUE ...]',
    '       leaseholder drain [--flag VALUE ...]',
    '',
    'check tells whether a connection works; leaseholder check --help tells more.',
    'drain ends every lease before an uninstall; leaseholder drain --help tells more.',
    '',
    ...entries,
    '  --help',
    '      Prints this text.',
    '  --version',
    '      Prints the version.',
    '',
    'Each flag with a value may be given as a variable: --log-level as LEASEHOLDER_LOG_LEVEL. The flag goes first.',
    '',
  ].join('\n');
}

function plain(text: string): string {
  return text.replaceAll('`', '');
}

function defaultText(option: Option): string {
  if (option.default !== undefined) return `\`${option.default}\``;
  const otherwise = option.otherwise ?? 'none';
  return option.lastVariable === undefined
    ? otherwise
    : `the variable \`${option.lastVariable}\`; without it ${otherwise}`;
}

/** `docs/configuration.md`, from the same table as everything else. */
export function renderConfigurationDoc(): string {
  const sections = options.flatMap((option) => [
    `## \`${option.flag} ${option.value}\``,
    '',
    option.meaning,
    '',
    `- Variable: \`${option.variable}\``,
    `- Must be: ${option.allowed}`,
    `- Default: ${defaultText(option)}`,
    '',
  ]);
  return [
    '# Configuration',
    '',
    '<!-- Generated from src/config.ts by `npm run generate`. -->',
    '',
    'The operator is configured by flags, written `--name VALUE` or `--name=VALUE`, or by the variables of the same',
    'name. A flag goes before its variable. Everything is checked at the start: an unknown flag, an argument that is',
    'no flag, an empty value or a wrong one ends the process with a list of all that is wrong. A variable that is set',
    'but empty is refused too, `KUBECONFIG` excepted; unknown variables are not looked at, because Kubernetes sets some',
    'that begin with `LEASEHOLDER_` itself where a Service has that name.',
    '',
    ...sections,
    '## `--help`, `--version`',
    '',
    'Print the flags or the version, and do nothing else. They have no variables.',
    '',
  ].join('\n');
}
