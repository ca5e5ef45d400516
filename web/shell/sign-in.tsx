// The first page of somebody whom this browser does not know: a name, and a key that it keeps.
import { useSignal } from '@preact/signals'
import { comeInAsGuest, comeInWithKey, problem } from '../state/session.ts'
import { t } from '../text/index.ts'

const maxName = 32
/** As names are on the relay. */
const goodName = /^[A-Za-z0-9_-]{1,32}$/

export const SignIn = () => {
  const texts = t.value.shell
  const name = useSignal('')
  const isBusy = useSignal(false)
  const wrong = useSignal<string | undefined>(undefined)
  const isNamed = goodName.test(name.value)
  const enter = async (event: Event) => {
    event.preventDefault()
    if (!isNamed) return
    isBusy.value = true
    wrong.value = undefined
    try {
      await comeInWithKey(name.value)
    } catch (error) {
      wrong.value = (error as Error).message
    } finally {
      isBusy.value = false
    }
  }
  return (
    <main class='middle' id='main'>
      <form class='card welcome' onSubmit={event => void enter(event)}>
        <img src='/console/icon.svg' alt='' width={56} height={56} />
        <h1>{texts.hello}</h1>
        <p>{texts.helloMore}</p>
        <label for='name'>{texts.yourName}</label>
        <input
          id='name'
          autocomplete='nickname'
          autofocus
          maxLength={maxName}
          required
          value={name.value}
          aria-describedby='name-hint'
          onInput={event => name.value = event.currentTarget.value = event.currentTarget.value.replace(/\s+/g, '-')}
        />
        <p id='name-hint' class='small'>{texts.nameHint}</p>
        <div class='actions'>
          <button type='submit' class='primary' disabled={isBusy.value || !isNamed}>{texts.makeKey}</button>
          <button type='button' disabled={!isNamed} onClick={() => comeInAsGuest(name.value)}>{texts.asGuest}</button>
        </div>
        <p role='alert' class='wrong'>{wrong.value ?? problem.value}</p>
        <p class='small'>{texts.keyMeans}</p>
      </form>
    </main>
  )
}
