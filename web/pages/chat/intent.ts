// What the visitor is about to do with a message: answer it, or say it anew.
export interface Intent {
  readonly kind: 'reply' | 'edit'
  readonly id: string
  readonly name: string
  /** what the message says */
  readonly content: string
}

export const focusComposer = (): void => document.getElementById('compose')?.focus()
