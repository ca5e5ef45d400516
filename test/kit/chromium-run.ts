// Once for a run of all tests: the browser that those of the console need.
import { absenceOf, install, pathOf, type Program } from './debian.ts'

const chromium: Program = {
  names: ['chromium', 'chromium-browser', 'google-chrome'],
  package: 'chromium',
  variable: 'CHROMIUM',
  use: 'The tests of the console',
}

/** Set where there is none, with the reason. */
export const noBrowserVariable = absenceOf(chromium)

/** Where the browser is: CHROMIUM names another one. */
export const chromiumPath = (): string | undefined => pathOf(chromium)

export default (): void => install(chromium)
