/**
 * The layers of the project: imports go only downward, never in a circle.
 *
 * Read by `.ci/layers.mjs`, which also checks that every source file was looked at.
 */

/** From the lowest; folders of one row do not import each other. */
const layers = [
  ['src/base'],
  ['src/net', 'src/diagnostics'],
  ['src/syntax', 'src/packets', 'src/catalogue'],
  ['src/model'],
  ['src/policy'],
  ['src/analysis'],
  ['src/target'],
  ['targets'],
  ['src/pipeline'],
  ['src/report'],
  ['src/lsp'],
  ['src/cli', 'src/index.ts'],
];

const inside = (folders) => `^(?:${folders.map((folder) => folder.replace('.', '\\.')).join('|')})(?:/|$)`;

const downward = layers.flatMap((row, rank) =>
  row.map((folder) => ({
    name: `downward-from-${folder.replace(/^src\//u, '').replace('.ts', '')}`,
    comment: 'imports go only to lower layers',
    severity: 'error',
    from: { path: inside([folder]) },
    to: {
      path: inside(
        layers
          .slice(rank)
          .flat()
          .filter((other) => other !== folder),
      ),
    },
  })),
);

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...downward,
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'targets-only-at-the-composition-roots',
      comment: 'the compiler knows targets only where it is put together',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(?:pipeline/|cli/|index\\.ts$)' },
      to: { path: '^targets/' },
    },
    {
      name: 'only-the-command-line-reports',
      severity: 'error',
      from: { path: '^(?:src|targets)/', pathNot: '^src/(?:report|cli)/' },
      to: { path: '^src/report/' },
    },
    {
      name: 'targets-know-no-other-target',
      severity: 'error',
      from: { path: '^targets/([^/]+)/' },
      to: { path: '^targets/[^/]+/', pathNot: '^targets/$1/' },
    },
    {
      name: 'targets-know-neither-syntax-nor-model',
      comment: 'a target sees the policy as packet sets and effects',
      severity: 'error',
      from: { path: '^targets/' },
      to: { path: '^src/(?:syntax|model)/' },
    },
    {
      name: 'readers-share-no-code-with-emitters',
      comment: 'what is proved must not be read back with the eyes that wrote it',
      severity: 'error',
      from: { path: '^targets/([^/]+)/reader' },
      to: { path: '^targets/$1/(?:lower|tokens|emit|templates)' },
    },
    {
      name: 'emitters-share-no-code-with-readers',
      severity: 'error',
      from: { path: '^targets/([^/]+)/(?:lower|tokens|emit)' },
      to: { path: '^targets/$1/reader' },
    },
    {
      name: 'only-readers-know-the-second-layouts',
      comment: 'emitters have layouts of their own, so that an error in either shows',
      severity: 'error',
      from: { path: '^(?:src|targets)/', pathNot: '^targets/[^/]+/read' },
      to: { path: '^src/target/message-layouts' },
    },
    { name: 'no-tests-in-the-product', severity: 'error', from: { path: '^(?:src|targets)/' }, to: { path: '^test/' } },
    {
      name: 'only-declared-packages',
      severity: 'error',
      from: { path: '^(?:src|targets)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    { name: 'everything-resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
