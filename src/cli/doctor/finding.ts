// What a look at one thing comes to.
export interface Finding {
  readonly check: string
  readonly status: 'ok' | 'warn' | 'fail'
  readonly message: string
  /** What to do next. */
  readonly next?: string
}

export const ok = (check: string, message: string): Finding => ({ check, status: 'ok', message })

export const warn = (check: string, message: string, next: string): Finding => ({ check, status: 'warn', message, next })

export const fail = (check: string, message: string, next: string | undefined): Finding => ({
  check,
  status: 'fail',
  message,
  ...(next !== undefined && { next }),
})

/** Of an error that says what to do, where it does. */
export const failed = (check: string, error: unknown): Finding => {
  const { message, hint } = error as Error & { readonly hint?: string }
  return fail(check, message, hint)
}
