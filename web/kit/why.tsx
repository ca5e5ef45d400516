// Why something failed: a sentence for whoever reads it, and below it in small the words of the relay, which are English.
import { plain } from './visible-text.tsx'

/** `reason`: as `reasonOf` gives it. */
export const Why = ({ reason }: { readonly reason: string | undefined }) => {
  if (reason === undefined) return null
  const end = reason.indexOf('\n')
  if (end < 0) return <>{plain(reason)}</>
  return (
    <>
      {plain(reason.slice(0, end))}
      <small class='detail' lang='en'>{plain(reason.slice(end + 1))}</small>
    </>
  )
}
