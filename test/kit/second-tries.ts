// Names the tests that passed only when they were run again: each is a fault of its own, of the product or of the test.
import type { Reporter, TestModule } from 'vitest/node'

export class SecondTries implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const flaky = modules.flatMap(module =>
      [...module.children.allTests()].filter(test => test.diagnostic()?.flaky === true)
        .map(test => `  ${module.relativeModuleId} > ${test.fullName}\n    ${test.result().errors?.[0]?.message.split('\n')[0] ?? ''}`)
    )
    if (flaky.length > 0)
      process.stdout.write(`\n${flaky.length} passed only when run again, and have to be mended:\n${flaky.join('\n')}\n`)
  }
}
