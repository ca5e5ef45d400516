// The first page of somebody whom this browser does not know: a name, and a key that it keeps; or the key of an account.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { BrandLinks } from '../kit/brand-links.tsx'
import { account, lookWhoIsIn, takesAccounts, type Vouched } from '../state/account.ts'
import { brand } from '../state/brand.ts'
import { begin, comeInAsGuest, comeInWithKey, problem } from '../state/session.ts'
import { agentName, newKeyInVault, openByCode, openByPasskey } from '../state/vault.ts'
import { LinkGuest } from './link-guest.tsx'
import { plain } from '../kit/visible-text.tsx'
import { Why } from '../kit/why.tsx'
import { t } from '../text/index.ts'
import { reasonOf } from '../text/reason.ts'

const maxName = 32
/** As names are on the relay. */
const goodName = /^[A-Za-z0-9_-]{1,32}$/

/** name: who comes in; code: the recovery code is asked for; link: another browser is; written: the code is shown, once. */
type Step = { readonly kind: 'name' | 'code' | 'link' } | { readonly kind: 'written', readonly code: string }

export const SignIn = () => {
  const texts = t.value.shell
  const step = useSignal<Step>({ kind: 'name' })
  const vouched = useSignal<Vouched | undefined>(undefined)
  const isBusy = useSignal(false)
  const wrong = useSignal<string | undefined>(undefined)
  useEffect(() => void lookWhoIsIn(), [])
  const attempt = async (act: () => Promise<void>) => {
    isBusy.value = true
    wrong.value = undefined
    try {
      await act()
    } catch (error) {
      wrong.value = reasonOf(error)
    } finally {
      isBusy.value = false
    }
  }
  const byPasskey = () =>
    attempt(async () => {
      const { outcome, vouched: by } = await openByPasskey()
      if (outcome === 'opened') return begin()
      // Who has a key is not asked to make another, in the place of its recovery code.
      if (outcome === 'none') vouched.value = by
      else step.value = { kind: 'code' }
    })
  const withName = (name: string) =>
    attempt(async () => {
      if (vouched.value === undefined) return comeInWithKey(name)
      step.value = { kind: 'written', code: await newKeyInVault(name, vouched.value) }
    })
  const link = () => {
    wrong.value = undefined
    step.value = { kind: 'link' }
  }
  return (
    <main class='middle' id='main'>
      <div class='card welcome'>
        <img src={brand.logo} alt='' width={56} height={56} />
        {brand.name !== undefined && <p class='name'>{plain(brand.name)}</p>}
        <h1>{texts.hello}</h1>
        {step.value.kind === 'name' && (
          <NameStep
            isBusy={isBusy.value}
            isOfAccount={vouched.value !== undefined}
            onName={withName}
            onPasskey={byPasskey}
            onCode={() => step.value = { kind: 'code' }}
            onLink={link}
          />
        )}
        {step.value.kind === 'code'
          && (
            <CodeStep
              isBusy={isBusy.value}
              onCode={code => attempt(() => openByCode(code).then(begin))}
              onCancel={() => step.value = { kind: 'name' }}
              onLink={link}
            />
          )}
        {step.value.kind === 'link' && (
          <LinkGuest
            onKept={() => void begin()}
            onEnded={error => {
              wrong.value = error === undefined ? undefined : reasonOf(error)
              step.value = { kind: 'name' }
            }}
          />
        )}
        {step.value.kind === 'written' && <Written code={step.value.code} />}
        <p role='alert' class='wrong'>
          <Why reason={wrong.value ?? problem.value} />
        </p>
        {step.value.kind === 'name' && <p class='small'>{texts.keyMeans}</p>}
        <BrandLinks />
      </div>
    </main>
  )
}

const NameStep = (
  { isBusy, isOfAccount, onName, onPasskey, onCode, onLink }: {
    readonly isBusy: boolean
    /** The key will be the account's that has just signed in. */
    readonly isOfAccount: boolean
    readonly onName: (name: string) => void
    readonly onPasskey: () => void
    readonly onCode: () => void
    readonly onLink: () => void
  },
) => {
  const texts = t.value.shell
  const name = useSignal('')
  const isNamed = goodName.test(name.value)
  const owner = account.value
  useEffect(() => {
    if (owner !== undefined && name.peek() === '') name.value = agentName(owner.name)
  }, [owner])
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        if (isNamed) onName(name.value)
      }}
    >
      <p>
        {owner === undefined ? texts.helloMore : isOfAccount ? texts.helloNoKey(plain(owner.name)) : texts.helloOwner(plain(owner.name))}
      </p>
      {takesAccounts.value && !isOfAccount && (
        <div class='actions'>
          <button type='button' disabled={isBusy} onClick={onPasskey}>{owner === undefined ? texts.byPasskey : texts.openByPasskey}</button>
          <button type='button' class='quiet' onClick={onCode}>{texts.haveCode}</button>
          {owner !== undefined && <button type='button' class='quiet' onClick={onLink}>{t.value.link.fromOther}</button>}
          {owner === undefined && <a href='/account' target='_self'>{texts.accountPage}</a>}
        </div>
      )}
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
        <button type='submit' class='primary' disabled={isBusy || !isNamed}>{texts.makeKey}</button>
        {!isOfAccount && <button type='button' disabled={!isNamed} onClick={() => comeInAsGuest(name.value)}>{texts.asGuest}</button>}
      </div>
    </form>
  )
}

const CodeStep = (
  { isBusy, onCode, onCancel, onLink }: {
    readonly isBusy: boolean
    readonly onCode: (code: string) => void
    readonly onCancel: () => void
    readonly onLink: () => void
  },
) => {
  const texts = t.value.shell
  const code = useSignal('')
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        onCode(code.value)
      }}
    >
      <p>{account.value === undefined ? texts.codeSignsIn : texts.codeAsked}</p>
      <label for='code'>{texts.code}</label>
      <input
        id='code'
        autofocus
        autocomplete='off'
        spellcheck={false}
        value={code.value}
        onInput={event => code.value = event.currentTarget.value}
      />
      <div class='actions'>
        <button type='submit' class='primary' disabled={isBusy || code.value.trim() === ''}>{texts.openKey}</button>
        <button type='button' onClick={onCancel}>{texts.back}</button>
        {account.value !== undefined && <button type='button' class='quiet' onClick={onLink}>{t.value.link.fromOther}</button>}
      </div>
    </form>
  )
}

/** The code of a new key: nobody sees it again. */
const Written = ({ code }: { readonly code: string }) => {
  const texts = t.value.shell
  return (
    <>
      <p>{texts.codeShown}</p>
      <p class='recovery'>
        <code>{code}</code>
      </p>
      <div class='actions'>
        <button type='button' class='primary' autofocus onClick={() => void begin()}>{texts.written}</button>
      </div>
    </>
  )
}
