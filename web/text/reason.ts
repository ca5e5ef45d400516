// Why something failed, in the visitor's language where the relay refused it, and in the words of whoever refused it.
import { isErrorCode } from '../../lib/protocol/index.ts'
import { t } from './index.ts'

/** A sentence; below it, where that is the visitor's language, what the relay said itself. */
export const reasonOf = (error: unknown): string => {
  const said = error instanceof Error ? error.message : String(error)
  const code = String((error as { readonly code?: unknown } | undefined)?.code)
  const text = isErrorCode(code) ? t.peek().errors?.[code] : undefined
  return text === undefined ? said : `${text}\n${said}`
}
