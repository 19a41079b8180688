import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const root = path.join(import.meta.dirname, '..', '..', '..');

/** Every page that is in the repository, or about to be. */
const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((page) => page !== '' && existsSync(path.join(root, page)));

/** A page without what is code: a link there is none. */
function withoutCode(text: string): string {
  return text.replaceAll(/^ {0,3}(```+)[^]*?^ {0,3}\1$/gm, '').replaceAll(/`[^`\n]*`/g, '');
}

function linksIn(page: string): readonly string[] {
  const text = withoutCode(readFileSync(path.join(root, page), 'utf8'));
  return [...text.matchAll(/\]\(([^()\s]+)\)/g)].flatMap(([, target]) => target ?? []);
}

/** The anchors of a page: what the forges make of its headings. A heading that is there again gets a number. */
function anchorsIn(page: string): ReadonlySet<string> {
  const text = readFileSync(page, 'utf8').replaceAll(/^ {0,3}(```+)[^]*?^ {0,3}\1$/gm, '');
  const seen = new Map<string, number>();
  const headings = [...text.matchAll(/^#{1,6} +(.+?) *#*$/gm)].map(([, title = '']) => {
    const words = title.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = words.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${String(times)}`;
  });
  return new Set(headings);
}

/** Why a link leads nowhere; undefined where it leads somewhere, or out of the repository. */
function fault(page: string, link: string): string | undefined {
  if (/^[a-z][a-z+.-]*:/.test(link)) return undefined;
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? path.join(root, page) : path.join(root, path.dirname(page), file);
  if (!existsSync(target)) return `${link}: there is no such file`;
  if (anchor === undefined || !target.endsWith('.md')) return undefined;
  return anchorsIn(target).has(anchor) ? undefined : `${link}: there is no such heading`;
}

describe('the pages', () => {
  test('are found', () => {
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/README.md', 'docs/architecture.md']));
  });

  test.each(pages)('%s links only to what is there', (page) => {
    expect(linksIn(page).flatMap((link) => fault(page, link) ?? [])).toEqual([]);
  });

  test('of docs are all in its index', () => {
    const index = new Set(linksIn('docs/README.md').map((link) => link.split('#')[0]));
    const missing = pages.filter(
      (page) =>
        /^docs\/[^/]+\.md$/.test(page) && page !== 'docs/README.md' && !index.has(path.basename(page)),
    );
    expect(missing).toEqual([]);
  });

  test('a link to what is not there is noticed', () => {
    expect(fault('docs/architecture.md', 'nowhere.md')).toContain('no such file');
    expect(fault('docs/architecture.md', 'limits.md#nowhere')).toContain('no such heading');
    expect(fault('docs/architecture.md', '#the-life-of-a-lease')).toBeUndefined();
  });
});
