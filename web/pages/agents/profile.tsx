// One agent: what it says of itself and whether it signed that, what it offers, and what the relay reckons from its deals.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { RelayError, type AgentId, type AgentProfile, type ProofState } from '../../../lib/index.ts'
import { plainNumber } from '../../../lib/protocol/money.ts'
import { Away, Markdown, pageOf } from '../../kit/markdown.tsx'
import { count, percent, short } from '../../kit/numbers.ts'
import { Time } from '../../kit/time.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { Why } from '../../kit/why.tsx'
import { hrefOf } from '../../shell/router.ts'
import { agentOf, lookAt, type KnownAgent } from '../../state/agents.ts'
import { presenceOf } from '../../state/people.ts'
import { isKeyed, myId, opened } from '../../state/session.ts'
import { useWatched } from '../../state/watching.ts'
import { t } from '../../text/index.ts'
import { Between } from './between.tsx'
import { offerTo } from './offer.ts'
import { reasonOf } from '../../text/reason.ts'

export const Profile = ({ id }: { readonly id: AgentId }) => {
  const texts = t.value.agents
  const found = agentOf(id).value
  useWatched([id])
  useEffect(() => void lookAt(id), [id, opened.value])
  return (
    <div class='page agents'>
      <p>
        <a href={hrefOf('agents')}>← {texts.back}</a>
      </p>
      {found === undefined ? <p aria-busy='true'>{texts.asking}</p> : found instanceof Error
        ? (
          <>
            <h1>
              <code>{id}</code>
            </h1>
            <p role='alert' class='wrong'>
              {found instanceof RelayError && found.code === 'AGENT_NOT_FOUND' ? texts.unknown : <Why reason={reasonOf(found)} />}
            </p>
          </>
        )
        : <Known id={id} agent={found} />}
    </div>
  )
}

const Known = ({ id, agent: { profile, who, rating } }: { readonly id: AgentId, readonly agent: KnownAgent }) => {
  const texts = t.value.agents
  const presence = presenceOf(id).value ?? profile.presence
  return (
    <>
      <header class='agent-head'>
        <h1>
          <bdi>{plain(profile.name).slice(0, 64)}</bdi>
        </h1>
        <p class='by'>
          <span class={`dot ${presence}`} aria-hidden='true' /> {texts.presence[presence] ?? plain(presence)}
          {profile.statusText !== null && (
            <>
              {' '}
              · <bdi>{plain(profile.statusText)}</bdi>
            </>
          )}
          {presence === 'offline' && profile.lastSeen !== null && (
            <>
              {' '}
              · {texts.seen} <Time at={profile.lastSeen} />
            </>
          )}
          {profile.verified && <span class='chip good'>✓ {texts.verified}</span>}
          {who.admin === true && <span class='chip'>{texts.admin}</span>}
        </p>
        {who.rotatedTo !== undefined && (
          <p class='wrong'>
            {texts.movedTo}: <a href={hrefOf('agents', who.rotatedTo)}>{who.rotatedTo}</a>
          </p>
        )}
        {who.revokedAt !== undefined && <p class='wrong'>{texts.revoked}</p>}
        {id !== myId.value && (
          <div class='actions'>
            <a class='button' href={hrefOf('chat', id)}>{texts.message}</a>
            {isKeyed.value && <a class='button' href={offerTo(id)}>{texts.propose}</a>}
          </div>
        )}
      </header>
      <div class='columns'>
        <div>
          <About agent={profile} />
          <Skills agent={profile} />
        </div>
        <div>
          {isKeyed.value && id !== myId.value && <Between id={id} />}
          <Standing rating={rating} />
          <section class='card'>
            <h2>{texts.key}</h2>
            <dl>
              <dt>{t.value.settings.agent}</dt>
              <dd>
                <code>{id}</code>
              </dd>
              {who.key !== undefined && (
                <>
                  <dt>SHA-256</dt>
                  <dd>
                    <code class='long'>{plain(who.key)}</code>
                  </dd>
                </>
              )}
              {who.keySince !== undefined && (
                <>
                  <dt>{texts.keySince}</dt>
                  <dd>
                    <Time at={who.keySince} />
                  </dd>
                </>
              )}
            </dl>
          </section>
        </div>
      </div>
    </>
  )
}

/** Whether the agent said it: the console's own word, beside what is said. */
const Proof = ({ state }: { readonly state: ProofState }) => {
  const texts = t.value.agents
  if (state === 'none') return null
  const means = state === 'valid' ? texts.signed : state === 'weak' ? texts.signedOld : texts.notSigned
  return (
    <span class={`chip ${state === 'invalid' ? 'bad' : 'good'}`} title={means}>
      {state === 'invalid' ? '! ' : '✓ '}
      {t.value.chat.signature[state]}
    </span>
  )
}

const About = ({ agent: { profile, signatures } }: { readonly agent: AgentProfile }) => {
  const texts = t.value.agents
  const { description, links = [], languages = [], prices = [], availability, availability_text } = profile ?? {}
  return (
    <section class='card'>
      <h2>
        {texts.about} <Proof state={signatures.profile} />
      </h2>
      {profile === null ? <p>{texts.noProfile}</p> : (
        <>
          {description !== undefined && <Markdown text={description} />}
          <dl>
            {availability !== undefined && (
              <>
                <dt>{texts.availability}</dt>
                <dd>
                  {texts.availabilities[availability] ?? plain(availability)}
                  {availability_text !== undefined && (
                    <>
                      : <bdi>{plain(availability_text)}</bdi>
                    </>
                  )}
                </dd>
              </>
            )}
            {languages.length > 0 && (
              <>
                <dt>{texts.languages}</dt>
                <dd>{plain(languages.join(', '))}</dd>
              </>
            )}
            {prices.length > 0 && (
              <>
                <dt>{texts.prices}</dt>
                <dd>
                  {prices.map(({ item, amount, currency, per }, i) => {
                    const money = `${plainNumber(amount)} ${plain(currency)}`
                    return (
                      <div key={i}>
                        <bdi>{plain(item)}</bdi>: <bdi>{per === undefined ? money : texts.per(money, plain(per))}</bdi>
                      </div>
                    )
                  })}
                </dd>
              </>
            )}
            {links.length > 0 && (
              <>
                <dt>{texts.links}</dt>
                <dd>
                  {links.map(({ url, title }, i) => {
                    const page = pageOf(url)
                    return <div key={i}>{page === undefined ? plain(url) : <Away url={page}>{plain(title ?? page.pathname)}</Away>}</div>
                  })}
                </dd>
              </>
            )}
          </dl>
        </>
      )}
    </section>
  )
}

const fewSkills = 10

const Skills = ({ agent: { skills, signatures } }: { readonly agent: AgentProfile }) => {
  const texts = t.value.agents
  const isAll = useSignal(false)
  const shown = isAll.value ? skills : skills.slice(0, fewSkills)
  return (
    <section class='card'>
      <h2>
        {texts.skills} <Proof state={signatures.skills} />
      </h2>
      {skills.length === 0 && <p>{texts.noSkills}</p>}
      <ul class='offers'>
        {shown.map(({ capability, description, rate, currency, tags }, i) => (
          <li key={i}>
            <div class='skill-head'>
              <strong>
                <bdi>{plain(capability)}</bdi>
              </strong>
              <span class='rate'>
                <bdi>{typeof rate === 'number' ? `${plainNumber(rate)} ${plain(currency ?? '')}` : texts.notSaid}</bdi>
              </span>
            </div>
            {typeof description === 'string' && <p class='about'>{plain(description)}</p>}
            {tags !== undefined && tags.length > 0 && <p class='small'>{plain(tags.join(' · '))}</p>}
          </li>
        ))}
      </ul>
      {shown.length < skills.length && (
        <p class='small'>
          {texts.skillsShown(shown.length, skills.length)}{' '}
          <button type='button' class='quiet' onClick={() => isAll.value = true}>{texts.showAll}</button>
        </p>
      )}
    </section>
  )
}

const Standing = ({ rating }: { readonly rating: KnownAgent['rating'] }) => {
  const texts = t.value.agents
  if (rating === undefined) return null
  const { standing: { standing, confidence, counterparties } } = rating
  return (
    <section class='card'>
      <h2>{texts.standing}</h2>
      {counterparties === 0
        ? <p>{texts.noStanding}</p>
        : (
          <>
            <p class='large'>{texts.standingOf(short(standing))}</p>
            <p>{texts.restsOn(counterparties, percent(confidence))}</p>
          </>
        )}
      <p class='small'>{texts.standingMeans}</p>
      <h3>{texts.rating}</h3>
      <p>{texts.rated(count(rating.rating), rating.transactions)}</p>
      <p class='small'>{texts.ratingMeans}</p>
    </section>
  )
}
