// Settings: who the visitor is, and how the console looks and speaks.
import { useSignal } from '@preact/signals'
import { plain } from '../../kit/visible-text.tsx'
import { forgetKey } from '../../state/keep.ts'
import { tellFailure } from '../../state/notices.ts'
import { chooseLocale, chooseTheme, theme, themes } from '../../state/preferences.ts'
import { again, isKeyed, myId, visitor } from '../../state/session.ts'
import { locale, locales, t } from '../../text/index.ts'

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
      <section class='card'>
        <h2>{texts.look}</h2>
        <label for='theme'>{texts.theme}</label>
        <select id='theme' value={theme.value} onChange={event => chooseTheme(themes.find(each => each === event.currentTarget.value)!)}>
          {themes.map(each => <option key={each} value={each}>{texts.themes[each]}</option>)}
        </select>
        <label for='language'>{texts.language}</label>
        <select
          id='language'
          value={locale.value}
          onChange={event => chooseLocale(locales.find(each => each === event.currentTarget.value) ?? 'en')}
        >
          {locales.map(each => <option key={each} value={each} lang={each}>{texts.languages[each]}</option>)}
        </select>
      </section>
    </div>
  )
}
