// A file that a message names: fetched, checked and saved by a click, never shown.
import { useSignal } from '@preact/signals'
import { download } from '../../kit/download.ts'
import { plain } from '../../kit/visible-text.tsx'
import { take, type FileRef } from '../../state/carrying.ts'
import { tellFailure } from '../../state/notices.ts'
import { t } from '../../text/index.ts'

interface FileLineProps {
  /** the message */
  readonly of: string
  readonly file: FileRef
  /** by the Tab key: those of one message at a time */
  readonly isReachable: boolean
}

export const FileLine = ({ of, file, isReachable }: FileLineProps) => {
  const isBusy = useSignal(false)
  const save = async () => {
    isBusy.value = true
    try {
      download(file.name, await take(of, file))
    } catch (error) {
      tellFailure(error)
    } finally {
      isBusy.value = false
    }
  }
  return (
    <p class='small file'>
      <button
        type='button'
        class='quiet act'
        tabIndex={isReachable ? 0 : -1}
        disabled={isBusy.value}
        aria-label={t.value.chat.saveFile(plain(file.name))}
        onClick={() => void save()}
      >
        ▤ <bdi>{plain(file.name)}</bdi>
      </button>{' '}
      · {t.value.chat.bytes(file.bytes)}
    </p>
  )
}
