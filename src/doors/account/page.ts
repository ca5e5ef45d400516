// The page where people sign in: as little as a passkey needs. What it shows is text, never HTML, and it runs its own script alone.
import { escapedMarkup } from '../../base/markup.ts'
import { brandStyle, type Brand } from '../../domain/brand.ts'
import { textsOf, type PageLocale } from './texts/index.ts'

export const pageHeaders = {
  'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self'; connect-src 'self'; "
    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'cross-origin-opener-policy': 'same-origin',
}

/** A picture runs nothing, wherever somebody opens it. */
export const logoHeaders = { 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox" }

export interface PageOptions {
  readonly relayName: string
  readonly brand: Brand | undefined
  /** In which it speaks; its texts are data on it. */
  readonly locale: PageLocale
  /** That is what the account wants that is signed in. */
  readonly isOwn: boolean
  /** Whoever comes gets an account. */
  readonly isOpen: boolean
}

/** By the colours of the brand, where it has any: a page of few parts has few. */
const brandedParts = `  body { color: var(--ink); background: var(--paper) } a { color: var(--link) }
  button { color: var(--on-accent); background: var(--accent); border: 1px solid var(--line); border-radius: 8px }
  input, select { color: var(--ink); background: var(--raised); border: 1px solid var(--line); border-radius: 8px }
`

export const page = ({ relayName, brand, locale, isOwn, isOpen }: PageOptions): string => {
  const texts = textsOf(locale)
  const colours = brand === undefined ? '' : brandStyle(brand, ':root')
  const links = (brand?.links ?? []).map(({ label, url }) =>
    `<a href="${escapedMarkup(url)}" target="_blank" rel="noopener noreferrer">${escapedMarkup(label)}</a>`
  )
  const title = escapedMarkup(`${relayName}: ${texts.account}`)
  return `<!doctype html>
<html lang="${locale === 'pseudo' ? 'en' : locale}" dir="${locale === 'pseudo' ? 'rtl' : 'ltr'}"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>${title}</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem; color: #111; background: #fff; overflow-wrap: anywhere }
  button, input, select { max-width: 100%; font: inherit; padding: .4rem .8rem; margin: .2rem .4rem .2rem 0 } li { margin: .4rem 0 }
  [role=status] { min-height: 1.5em; font-weight: bold } h1 img { vertical-align: middle } footer a { margin-inline-end: 1rem }
${colours === '' ? '' : colours + brandedParts}</style>
<header><h1>${brand?.logo === undefined ? '' : '<img src="/account/logo" alt="" width="40" height="40"> '}${escapedMarkup(relayName)}</h1>
<p id="said" role="status"></p></header>
<main id="main"></main>
${links.length === 0 ? '' : `<footer>${links.join(' ')}</footer>\n`}<noscript>${escapedMarkup(texts.noScript)}</noscript>
<script type="application/json" id="texts" data-locale="${locale}" data-own="${isOwn}" data-open="${isOpen}">${
    JSON.stringify(texts).replaceAll('<', '\\u003c')
  }</script>
<script src="/account/page.js"></script>
</html>
`
}

export const script = `'use strict'
const main = document.getElementById('main')
const say = text => { document.getElementById('said').textContent = text }
const hash = location.hash.slice(1)
const given = /^[a-z]+=/.test(hash) ? { link: '', code: hash.startsWith('code=') ? hash.slice(5) : '' } : { link: hash, code: '' }
const dictionary = document.getElementById('texts')
const texts = JSON.parse(dictionary.textContent)
const put = (text, more) => text.replace(/\\{(\\w+)\\}/g, (_, key) => more[key])
// Who chose a language in the console reads it here too; what the account wants goes before, and the browser has it from here on.
const spoken = dictionary.dataset.locale
const keep = locale => {
  try {
    if (locale === '') localStorage.removeItem('agentchat.locale')
    else localStorage.setItem('agentchat.locale', locale)
  } catch {
    // It is asked of the account again.
  }
}
if (dictionary.dataset.own === 'true') keep(spoken)
const chosen = (() => { try { return localStorage.getItem('agentchat.locale') } catch { return null } })()
const isOther = ['en', 'de', 'pseudo'].includes(chosen) && chosen !== spoken
// What stands behind the # goes along, and to nobody.
if (isOther) location.replace('/account?lang=' + chosen + location.hash)
const ended = Object.hasOwn(texts.ends, hash) ? hash : ''
if (ended !== '') say(texts.ends[ended])
// It is no part of what the browser remembers.
if (hash !== '' && !isOther) history.replaceState(null, '', '/account')

/** A sentence in the visitor's language, where there is one, and what the relay said itself. */
const reason = ({ code, detail = texts.refused }) => Object.hasOwn(texts.errors, code) ? texts.errors[code] + ' (' + detail + ')' : detail
const ask = async (method, path, body) => {
  const response = await fetch(path, {
    method,
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const told = text === '' ? {} : JSON.parse(text)
  if (!response.ok) throw Object.assign(new Error(reason(told)), { code: told.code })
  return told
}
const post = (path, body = {}) => ask('POST', path, body)

const make = async (options, path, more) => {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options)
  // So that it can open its owner's key in another browser, where it can at all.
  publicKey.extensions = { ...publicKey.extensions, prf: {} }
  const answer = (await navigator.credentials.create({ publicKey })).toJSON()
  return post(path, { ...more, answer })
}
const vouch = async () => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await post('/signin/passkey/options'))
  return post('/signin/passkey/verify', { answer: (await navigator.credentials.get({ publicKey })).toJSON() })
}
/** Asks for the passkey again where the relay wants it. */
const fresh = async act => {
  try {
    return await act()
  } catch (error) {
    if (error.code !== 'PASSKEY_ASKED') throw error
    await vouch()
    return act()
  }
}

const element = (name, text, more = {}) => Object.assign(document.createElement(name), { textContent: text }, more)
const button = (text, act) => element('button', text, { onclick: async () => {
  say('')
  try {
    await act()
  } catch (error) {
    say(error.message)
  }
} })
const list = (title, items) => [element('h2', title), Object.assign(element('ul', ''), {}), items].flatMap((part, i, all) => {
  if (i === 2) return []
  if (i === 1) part.append(...all[2])
  return [part]
})
const when = ms => new Date(ms).toLocaleString(document.documentElement.lang)

const go = async path => {
  const { url } = await post(path, { to: 'account' })
  location.href = url
}

const showStranger = async () => {
  const name = element('input', '', { id: 'name', value: '', maxLength: 64, autocomplete: 'name' })
  const label = element('label', texts.yourName + ' ', { htmlFor: 'name' })
  const create = button(texts.makePasskey, async () => {
    const options = await post('/signin/link/options', { link: given.link, name: name.value })
    await make(options, '/signin/link/verify', { link: given.link, name: name.value })
    given.link = ''
    await show()
  })
  const signUp = button(texts.makeAccount, async () => {
    const options = await post('/signin/up/options', { name: name.value })
    await make(options, '/signin/up/verify', { name: name.value, user: options.user.id })
    await show()
  })
  const signIn = button(texts.signInPasskey, async () => {
    await vouch()
    await show()
  })
  const { items } = given.link === '' ? await ask('GET', '/signin/providers').catch(() => ({ items: [] })) : { items: [] }
  const others = items.map(({ id, label }) => button(put(texts.signInWith, { provider: label }), () => go('/signin/oidc/' + id)))
  const newcomer = dictionary.dataset.open === 'true' ? [element('h2', texts.newHere), label, name, signUp] : []
  main.replaceChildren(...(given.link === '' ? [signIn, ...others, ...newcomer] : [element('p', texts.linkGiven), label, name, create, signIn]))
}

const showDevice = async code => {
  const { agent, address } = await post('/account/devices/look', { code })
  main.replaceChildren(
    element('h2', texts.commandTitle),
    element('p', put(texts.commandMeans, { agent, address, code })),
    button(texts.mine, async () => {
      await fresh(() => post('/account/devices', { code }))
      given.code = ''
      await show()
      say(put(texts.goesOn, { agent }))
    }),
    button(texts.notMine, async () => {
      given.code = ''
      await show()
    }),
  )
}

const agentItems = ({ agents, waiting }) => [
  ...waiting.map(({ agent, expires_at }) => {
    const item = element('li', put(texts.saysYours, { agent, time: when(expires_at) }) + ' ')
    item.append(
      button(texts.mine, () => fresh(() => post('/account/agents/' + agent)).then(show)),
      button(texts.notMine, () => fresh(() => ask('DELETE', '/account/agents/' + agent)).then(show)),
    )
    return item
  }),
  ...agents.map(({ agent, at }) => {
    const item = element('li', put(texts.since, { agent, time: when(at) }) + ' ')
    item.append(button(texts.letGo, () => fresh(() => ask('DELETE', '/account/agents/' + agent)).then(show)))
    return item
  }),
]

// Operators stay what they are.
const { operator: _, ...roles } = texts.roles
const roleName = role => texts.roles[role] ?? role
const roleChoice = (label, chosen) => {
  const choice = element('select', '', { ariaLabel: label })
  choice.append(...Object.entries(roles).map(([role, name]) => element('option', name, { value: role, selected: role === chosen })))
  return choice
}

const personItems = people => people.map(({ id, name, role }) => {
  const item = element('li', name + ' (' + id + ') ')
  if (!Object.hasOwn(roles, role)) return item.append(roleName(role)), item
  const choice = roleChoice(put(texts.roleOf, { name }), role)
  item.append(choice, button(texts.set, async () => {
    await fresh(() => ask('PUT', '/account/people/' + id, { role: choice.value }))
    say(put(texts.isNow, { name, role: roles[choice.value] }))
  }))
  return item
})

const languageChoice = ({ account }) => {
  const choice = element('select', '', { id: 'language' })
  const offered = [['', texts.asBrowser], ...Object.entries(texts.languages)]
  choice.append(...offered.map(([value, name]) => element('option', name, { value, selected: value === (account.locale ?? '') })))
  const set = button(texts.set, async () => {
    const { value } = choice
    await ask('PUT', '/account/locale', { locale: value === '' ? null : value })
    keep(value)
    location.replace('/account' + (value === '' ? '' : '?lang=' + value))
  })
  return [element('h2', texts.language), element('label', texts.languageLabel + ' ', { htmlFor: 'language' }), choice, set]
}

const showOwner = (me, agents, providers, identities, people) => {
  const invited = roleChoice(texts.invitedRole, 'person')
  const elsewhere = identities.map(({ id, provider, email }) => {
    const item = element('li', provider + (email ? ', ' + email : '') + ' ')
    item.append(button(texts.remove, () => fresh(() => ask('DELETE', '/account/identities/' + id)).then(show)))
    return item
  })
  const passkeys = me.passkeys.map(({ id, name, used_at }) => {
    const item = element('li', put(texts.usedAt, { name, time: when(used_at) }) + ' ')
    item.append(button(texts.remove, async () => {
      await fresh(() => ask('DELETE', '/account/passkeys/' + encodeURIComponent(id)))
      await show()
    }))
    return item
  })
  const signIns = me.sign_ins.map(({ id, agent, address, seen_at, here }) => {
    const item = element('li', put(texts.seenAt, { browser: agent, address, time: when(seen_at) }) + ' ' + (here ? texts.here : ''))
    if (!here) item.append(button(texts.signOut, async () => {
      await ask('DELETE', '/account/sign-ins/' + id)
      await show()
    }))
    return item
  })
  main.replaceChildren(
    element('p', put(texts.whoIs, { name: me.account.name, role: roleName(me.account.role), id: me.account.id })),
    ...list(texts.passkeys, passkeys),
    button(texts.addPasskey, () => fresh(async () => {
      const name = prompt(texts.passkeyName)
      if (!name) return
      await make(await post('/account/passkeys/options', { name }), '/account/passkeys', { name })
      await show()
    })),
    ...(providers.length > 0 ? list(texts.elsewhere, elsewhere) : []),
    ...providers.map(({ id, label }) => button(put(texts.addProvider, { provider: label }), () => fresh(() => go('/account/identities/' + id)))),
    ...list(put(texts.agents, { command: 'agentchat account link ' + me.account.id }), agentItems(agents)),
    button(texts.haveCode, async () => {
      const code = prompt(texts.whichCode)
      if (code) await showDevice(code)
    }),
    ...list(texts.signedIn, signIns),
    button(texts.signOut, async () => {
      await post('/signout')
      await show()
    }),
    button(texts.signOutEverywhere, async () => {
      await post('/signout', { everywhere: true })
      await show()
    }),
    ...languageChoice(me),
    ...(me.account.role === 'operator'
      ? [...list(texts.people, personItems(people)), invited,
        button(texts.invite, async () => say((await fresh(() => post('/account/invitations', { role: invited.value }))).url))]
      : []),
  )
}

const show = async () => {
  try {
    const me = await ask('GET', '/account/me')
    const { code } = given
    const { locale } = me.account
    // The cookie does not come along from elsewhere, so that it may be known here alone.
    if (locale !== null && Object.hasOwn(texts.languages, locale) && locale !== spoken) {
      keep(locale)
      return location.replace('/account?lang=' + locale + (code !== '' ? '#code=' + code : ended !== '' ? '#' + ended : ''))
    }
    given.code = ''
    if (code !== '') {
      try {
        return await showDevice(code)
      } catch (error) {
        say(error.message)
      }
    }
    const { items: providers } = await ask('GET', '/signin/providers').catch(() => ({ items: [] }))
    const { items } = providers.length > 0 ? await ask('GET', '/account/identities') : { items: [] }
    const people = me.account.role === 'operator' && me.sign_in.level === 2 ? (await ask('GET', '/account/people')).items : []
    showOwner(me, await ask('GET', '/account/agents'), providers, items, people)
  } catch (error) {
    if (error.code !== 'AUTH_REQUIRED') say(error.message)
    await showStranger()
  }
}
if (!window.PublicKeyCredential || !PublicKeyCredential.parseCreationOptionsFromJSON)
  say(texts.noPasskeys)
if (!isOther) show()
`
