// The way to the pages: a rail at the side, at the bottom of a small screen.
import { plain } from '../kit/visible-text.tsx'
import { account, lookWhoIsIn, signIn, takesAccounts } from '../state/account.ts'
import { brand } from '../state/brand.ts'
import { unreadInAll } from '../state/channels.ts'
import { tellFailure } from '../state/notices.ts'
import { isKeyed, myId, sessionState, visitor, welcome } from '../state/session.ts'
import { t } from '../text/index.ts'
import { rove } from '../kit/roving.ts'
import { hrefOf } from './router.ts'
import { routes } from './routes.ts'

export const Rail = ({ current }: { readonly current: string | undefined }) => {
  const texts = t.value
  return (
    <nav class='rail' aria-label={texts.shell.pages} onKeyDown={rove}>
      <div class='brand'>
        <img src={brand.logo} alt='' width={28} height={28} />
        <span class='relay'>{plain(brand.name ?? welcome.value?.server ?? 'AgentChat')}</span>
      </div>
      {routes.map(({ name, sign, title }) => (
        <a key={name} data-item href={hrefOf(name)} aria-current={name === current ? 'page' : undefined}>
          <span class='sign' aria-hidden='true'>{sign}</span>
          <span class='label'>{title(texts)}</span>
          {name === 'chat' && unreadInAll.value > 0 && <span class='count'>{unreadInAll.value}</span>}
        </a>
      ))}
      <div class='who'>
        <span
          class={`dot ${sessionState.value}`}
          role='img'
          aria-label={texts.shell.state[sessionState.value]}
          title={texts.shell.state[sessionState.value]}
        />
        <span class='label'>
          <strong>{plain(visitor.value?.name ?? '')}</strong>
          <small>{isKeyed.value ? myId.value ?? '' : texts.shell.guest}</small>
          {account.value !== undefined
            ? <small>{texts.shell.signedInAs(plain(account.value.name))}</small>
            : takesAccounts.value && (
              <button
                type='button'
                class='quiet sign-in'
                onClick={() => void signIn().then(lookWhoIsIn, tellFailure)}
              >
                {texts.shell.signIn}
              </button>
            )}
        </span>
      </div>
    </nav>
  )
}
