// Settings: who the visitor is, and how the console looks and speaks.
import { useSignal } from '@preact/signals'
import { BrandLinks } from '../../kit/brand-links.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { account, signIn, lookWhoIsIn, setLocale, signOut, takesAccounts } from '../../state/account.ts'
import { brand } from '../../state/brand.ts'
import { forgetKey } from '../../state/keep.ts'
import { tellFailure } from '../../state/notices.ts'
import { chooseTheme, theme, themes, wantedLocale } from '../../state/preferences.ts'
import { again, isKeyed, myId, visitor } from '../../state/session.ts'
import { claimMine } from '../../state/vault.ts'
import { locales, t } from '../../text/index.ts'
import { LinkHost } from './link-host.tsx'

export const Page = () => {
  const texts = t.value.settings
  const isSure = useSignal(false)
  return (
    <div class='page'>
      <h1>{texts.title}</h1>
      <section class='card'>
        <h2>{texts.you}</h2>
        <dl>
          <dt>{texts.name}</dt>
          <dd>{plain(visitor.value?.name ?? '')}</dd>
          <dt>{texts.agent}</dt>
          <dd>
            <code>{myId.value}</code>
          </dd>
        </dl>
        {isKeyed.value && (
          <div class='actions'>
            {isSure.value
              ? <button type='button' class='danger' onClick={() => void forgetKey().then(again, tellFailure)}>{texts.forgetSure}</button>
              : <button type='button' onClick={() => isSure.value = true}>{texts.forget}</button>}
            <span class='small'>{texts.forgetMeans}</span>
          </div>
        )}
      </section>
      <OwnAccount />
      {account.value !== undefined && isKeyed.value && <LinkHost />}
      <section class='card'>
        <h2>{texts.look}</h2>
        <label for='theme'>{texts.theme}</label>
        <select id='theme' value={theme.value} onChange={event => chooseTheme(themes.find(each => each === event.currentTarget.value)!)}>
          {themes.map(each => <option key={each} value={each}>{each === 'brand' ? plain(brand.name ?? '') : texts.themes[each]}</option>)}
        </select>
        <label for='language'>{texts.language}</label>
        <select
          id='language'
          value={wantedLocale.value ?? ''}
          aria-describedby='language-means'
          onChange={event => void setLocale(locales.find(each => each === event.currentTarget.value)).catch(tellFailure)}
        >
          <option value=''>{texts.asBrowser}</option>
          {locales.map(each => <option key={each} value={each} lang={each}>{texts.languages[each]}</option>)}
        </select>
        <p id='language-means' class='small'>{account.value === undefined ? texts.languageHere : texts.languageOfAccount}</p>
      </section>
      <BrandLinks />
    </div>
  )
}

/** The account that this browser is signed in to, and whether its key is one of the account. */
const OwnAccount = () => {
  const texts = t.value.settings
  const owner = account.value
  const id = myId.value
  if (!takesAccounts.value) return null
  return (
    <section class='card'>
      <h2>{texts.account}</h2>
      {owner === undefined
        ? <button type='button' onClick={() => void signIn().then(lookWhoIsIn, tellFailure)}>{t.value.shell.byPasskey}</button>
        : (
          <>
            <p>
              {plain(owner.name)} <code>{owner.id}</code>
            </p>
            {isKeyed.value && id !== undefined && (owner.agents.includes(id)
              ? <p>{texts.claimed}</p>
              : (
                <p>
                  {texts.claimMeans} <button type='button' onClick={() => void claimMine().catch(tellFailure)}>{texts.claim}</button>
                </p>
              ))}
            <div class='actions'>
              <button type='button' onClick={() => void signOut(false).catch(tellFailure)}>{texts.signOut}</button>
              <button type='button' onClick={() => void signOut(true).catch(tellFailure)}>{texts.signOutEverywhere}</button>
              <a href='/account' target='_self'>{texts.accountPage}</a>
            </div>
          </>
        )}
    </section>
  )
}
