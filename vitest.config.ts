import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { SecondTries } from './test/kit/second-tries.ts'

/** Folders whose files take longest, the longest first. */
const long = [/\/test\/chaos\//, /\/test\/(?:e2e|postgres|transcripts)\//, /\/test\/contract\//]

/** What takes long does not begin last, so that the workers are done together: a fresh clone does not know yet how long anything takes. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) =>
      (long.findIndex(folder => folder.test(moduleId)) + long.length + 1) % (long.length + 1)
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

const globalSetup = 'test/kit/postgres-run.ts'
/** They have relays on both engines; the others of their folder are suites whose process is on PostgreSQL for good. */
const onBoth = 'test/postgres/{dump,move-killed,point-in-time,serve}.test.ts'

const signers = 'test/{client,client-conversations,client-lives,message-signatures,people-client,trade-client}.test.ts'

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    pool: 'forks',
    // Many tests wait for processes more than they compute.
    maxWorkers: 2,
    // What was transformed once is not transformed again by the next run.
    experimental: { fsModuleCache: true, fsModuleCachePath: 'node_modules/.cache/vitest' },
    testTimeout: 30_000,
    // What is waited for comes when a busy machine comes to it.
    expect: { poll: { timeout: 15_000 } },
    // Real processes, sockets and servers share two cores: one test in some thousands meets a moment that it did not think of. It is named.
    retry: 1,
    reporters: [new SecondTries(), 'default'],
    hookTimeout: 60_000,
    projects: [
      // Each in a process of its own: they start others, or change what a process has once.
      {
        extends: true,
        test: {
          name: 'whole',
          // Steps of patterns are counted by recursion, a few calls for each character of an attack.
          execArgv: ['--stack-size=3000'],
          include: ['test/!(postgres)/**/*.test.ts', onBoth],
          globalSetup: [globalSetup, 'test/kit/chromium-run.ts', 'test/kit/nats-run.ts'],
        },
      },
      // These share a process, and what it has loaded: nothing of a relay outlives it there, and each test ends its own. What a test measured or
      // heard stays until its process ends, so there are several.
      ...['[a-b]', '[c-d]', '[e-l]', '[m-q]', '[r-s]', '[t-z]'].map(letters => ({
        extends: true as const,
        test: {
          name: `relay ${letters.slice(1, -1)}`,
          include: [`test/${letters}*.test.ts`],
          isolate: false,
          globalSetup: [globalSetup, 'test/kit/python-run.ts'],
        },
      })),
      // With keys that take their time to sign, as a browser's do.
      {
        extends: true,
        test: { name: 'late', include: signers, isolate: false, globalSetup, env: { AGENTCHAT_TEST_SIGNS: 'late' } },
      },
      { extends: true, test: { name: 'postgres', include: ['test/postgres/*.test.ts'], exclude: [onBoth], isolate: false, globalSetup } },
      // Beside the module that they test.
      { extends: true, test: { name: 'units', include: ['lib/**/*.test.ts', 'src/**/*.test.ts'], isolate: false } },
    ],
  },
})
