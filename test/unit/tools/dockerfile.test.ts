import { describe, expect, test } from 'vitest';

import { parseDockerfile } from '../../integration/image/support/dockerfile.ts';

describe('a Dockerfile', () => {
  test('is read stage by stage, in the order of its lines', () => {
    const text = [
      '# syntax=docker/dockerfile:1',
      'FROM node:24 AS build',
      'WORKDIR /build',
      'COPY a.json b.json ./',
      'RUN npm ci \\',
      '  && node build.ts',
      '',
      'FROM base:nonroot',
      'COPY --from=build /build/dist ./',
      'USER 65532:65532',
      'ENTRYPOINT ["/bin/node", "/app/main.js"]',
      'CMD ["run"]',
    ].join('\n');
    const unset = { user: undefined, entrypoint: [], command: [] };
    expect(parseDockerfile(text)).toEqual([
      {
        ...unset,
        image: 'node:24',
        name: 'build',
        steps: [
          { type: 'workdir', path: '/build' },
          { type: 'copy', from: undefined, sources: ['a.json', 'b.json'], target: './' },
          { type: 'run', command: 'npm ci    && node build.ts' },
        ],
      },
      {
        image: 'base:nonroot',
        name: undefined,
        steps: [{ type: 'copy', from: 'build', sources: ['/build/dist'], target: './' }],
        user: '65532:65532',
        entrypoint: ['/bin/node', '/app/main.js'],
        command: ['run'],
      },
    ]);
  });

  test.each([
    ['an instruction that is not known here', 'FROM a\nHEALTHCHECK NONE', 'HEALTHCHECK NONE'],
    ['a line before the first stage', 'WORKDIR /build', 'WORKDIR /build'],
    ['an entrypoint that a shell would start', 'FROM a\nENTRYPOINT node main.js', 'JSON'],
  ])('with %s is refused', (_what, text, word) => {
    expect(() => parseDockerfile(text)).toThrow(word);
  });
});
