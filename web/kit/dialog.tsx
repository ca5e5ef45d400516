// A dialog of the platform: it keeps the focus, closes by Escape, and gives the focus back.
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { t } from '../text/index.ts'

export interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  /** It cannot be closed now: what it asked for is under way. */
  readonly isHeld?: boolean
  readonly children: ComponentChildren
}

export const Dialog = ({ title, onClose, isHeld = false, children }: DialogProps) => {
  const box = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    if (box.current?.open === false) box.current.showModal()
  }, [])
  return (
    <dialog
      ref={box}
      aria-labelledby={id}
      onClose={onClose}
      onCancel={event => {
        if (isHeld) event.preventDefault()
      }}
      onClick={event => {
        if (event.target === box.current && !isHeld) box.current?.close()
      }}
    >
      <header class='dialog-head'>
        <h2 id={id}>{title}</h2>
        <button type='button' class='quiet' aria-label={t.value.shell.close} disabled={isHeld} onClick={() => box.current?.close()}>
          ×
        </button>
      </header>
      <div class='dialog-body'>{children}</div>
    </dialog>
  )
}
