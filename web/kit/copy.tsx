// Copying a text: by the browser, or by hand where it lets no page do it.
import { useSignal } from '@preact/signals'
import { notify } from '../state/notices.ts'
import { t } from '../text/index.ts'

/** Whether the browser took it. */
export const copy = async (text: string): Promise<boolean> => {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}

export const Copy = ({ text, label, onCopied }: { readonly text: () => string, readonly label?: string, readonly onCopied?: string }) => {
  const texts = t.value.anything
  const isDone = useSignal(false)
  return (
    <button
      type='button'
      onClick={async () => {
        isDone.value = await copy(text())
        if (!isDone.value) notify('bad', texts.notCopied)
        else if (onCopied !== undefined) notify('good', onCopied)
      }}
    >
      {isDone.value && onCopied === undefined ? texts.copied : label ?? texts.copy}
    </button>
  )
}
