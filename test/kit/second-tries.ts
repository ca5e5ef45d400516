// Names the tests that passed only when they were run again: each is a fault of its own, of the product or of the test.
import type { Reporter, TestModule } from 'vitest/node'

const maxLines = 12

const reasonOf = ({ message, cause }: { readonly message: string, readonly cause?: unknown }): string => {
  const told = `${message}\n${cause instanceof Object && 'message' in cause ? String(cause.message) : ''}`
  return told.trim().split('\n').slice(0, maxLines).map(line => `    ${line.slice(0, 300)}`).join('\n')
}

export class SecondTries implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const flaky = modules.flatMap(module =>
      [...module.children.allTests()].filter(test => test.diagnostic()?.flaky === true)
        .map(test => `  ${module.relativeModuleId} > ${test.fullName}\n${test.result().errors?.slice(0, 1).map(reasonOf).join('') ?? ''}`)
    )
    if (flaky.length > 0)
      process.stdout.write(`\n${flaky.length} passed only when run again, and have to be mended:\n${flaky.join('\n')}\n`)
  }
}
