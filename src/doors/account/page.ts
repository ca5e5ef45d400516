// The page where people sign in: as little as a passkey needs. What it shows is text, never HTML, and it runs its own script alone.

export const pageHeaders = {
  'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; "
    + "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'cross-origin-opener-policy': 'same-origin',
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, sign => `&#${sign.charCodeAt(0)};`)

export const page = (relayName: string): string =>
  `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(relayName)}: account</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem; color: #111; background: #fff }
  button, input { font: inherit; padding: .4rem .8rem; margin: .2rem .4rem .2rem 0 } li { margin: .4rem 0; overflow-wrap: anywhere }
  [role=status] { min-height: 1.5em; font-weight: bold }
</style>
<h1>${escaped(relayName)}</h1>
<p id="said" role="status"></p>
<main id="main"></main>
<noscript>Signing in by a passkey needs JavaScript.</noscript>
<script src="/account/page.js"></script>
</html>
`

export const script = `'use strict'
const main = document.getElementById('main')
const say = text => { document.getElementById('said').textContent = text }
const hash = location.hash.slice(1)
const given = /^[a-z]+=/.test(hash) ? { link: '', code: hash.startsWith('code=') ? hash.slice(5) : '' } : { link: hash, code: '' }
// How it ended at an identity provider: by a word, so that nobody's link makes this page say something.
const ends = {
  'oidc=down': 'The identity provider does not answer: try again, or sign in by a passkey.',
  'oidc=refused': 'The identity provider did not let you in, or what it said does not hold.',
  'oidc=late': 'It took too long, or came back twice: begin again.',
  'oidc=unknown': 'Nobody here is known by that. Sign in another way, and add it to your account.',
}
if (Object.hasOwn(ends, hash)) say(ends[hash])
// It is no part of what the browser remembers.
if (hash !== '') history.replaceState(null, '', '/account')

const ask = async (method, path, body) => {
  const response = await fetch(path, {
    method,
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const told = text === '' ? {} : JSON.parse(text)
  if (!response.ok) throw Object.assign(new Error(told.detail || 'The relay refused it'), { code: told.code })
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
const when = ms => new Date(ms).toLocaleString()

const go = async path => {
  const { url } = await post(path, { to: 'account' })
  location.href = url
}

const showStranger = async () => {
  const name = element('input', '', { id: 'name', value: '', maxLength: 64, autocomplete: 'name' })
  const label = element('label', 'Your name ', { htmlFor: 'name' })
  const create = button('Make a passkey', async () => {
    const options = await post('/signin/link/options', { link: given.link, name: name.value })
    await make(options, '/signin/link/verify', { link: given.link, name: name.value })
    given.link = ''
    await show()
  })
  const signIn = button('Sign in with a passkey', async () => {
    await vouch()
    await show()
  })
  const { items } = given.link === '' ? await ask('GET', '/signin/providers').catch(() => ({ items: [] })) : { items: [] }
  const others = items.map(({ id, label }) => button('Sign in with ' + label, () => go('/signin/oidc/' + id)))
  main.replaceChildren(...(given.link === '' ? [signIn, ...others] : [element('p', 'You were given a link to this relay. It is good once.'), label, name, create, signIn]))
}

const showDevice = async code => {
  const { agent, address } = await post('/account/devices/look', { code })
  main.replaceChildren(
    element('h2', 'A command wants to be yours'),
    element('p', agent + ', from ' + address + ', shows the code ' + code + '. Say yes only where you started it yourself, and it shows this code.'),
    button('It is mine', async () => {
      await fresh(() => post('/account/devices', { code }))
      given.code = ''
      await show()
      say(agent + ' goes on in a moment.')
    }),
    button('It is not', async () => {
      given.code = ''
      await show()
    }),
  )
}

const agentItems = ({ agents, waiting }) => [
  ...waiting.map(({ agent, expires_at }) => {
    const item = element('li', agent + ' says that it is yours (until ' + when(expires_at) + ') ')
    item.append(
      button('It is mine', () => fresh(() => post('/account/agents/' + agent)).then(show)),
      button('It is not', () => fresh(() => ask('DELETE', '/account/agents/' + agent)).then(show)),
    )
    return item
  }),
  ...agents.map(({ agent, at }) => {
    const item = element('li', agent + ', since ' + when(at) + ' ')
    item.append(button('Let it go', () => fresh(() => ask('DELETE', '/account/agents/' + agent)).then(show)))
    return item
  }),
]

const roles = { person: 'a person', moderator: 'moderator', reviewer: 'reviewer', auditor: 'auditor' }
const roleChoice = (label, chosen) => {
  const choice = element('select', '', { ariaLabel: label })
  choice.append(...Object.entries(roles).map(([role, name]) => element('option', name, { value: role, selected: role === chosen })))
  return choice
}

const personItems = people => people.map(({ id, name, role }) => {
  const item = element('li', name + ' (' + id + ') ')
  if (!Object.hasOwn(roles, role)) return item.append(role), item
  const choice = roleChoice('What ' + name + ' is here', role)
  item.append(choice, button('Set', async () => {
    await fresh(() => ask('PUT', '/account/people/' + id, { role: choice.value }))
    say(name + ' is ' + roles[choice.value] + ' here.')
  }))
  return item
})

const showOwner = (me, agents, providers, identities, people) => {
  const invited = roleChoice('What who is invited will be', 'person')
  const elsewhere = identities.map(({ id, provider, email }) => {
    const item = element('li', provider + (email ? ', ' + email : '') + ' ')
    item.append(button('Remove', () => fresh(() => ask('DELETE', '/account/identities/' + id)).then(show)))
    return item
  })
  const passkeys = me.passkeys.map(({ id, name, used_at }) => {
    const item = element('li', name + ', used ' + when(used_at) + ' ')
    item.append(button('Remove', async () => {
      await fresh(() => ask('DELETE', '/account/passkeys/' + encodeURIComponent(id)))
      await show()
    }))
    return item
  })
  const signIns = me.sign_ins.map(({ id, agent, address, seen_at, here }) => {
    const item = element('li', agent + ', ' + address + ', seen ' + when(seen_at) + (here ? ' (here) ' : ' '))
    if (!here) item.append(button('Sign out', async () => {
      await ask('DELETE', '/account/sign-ins/' + id)
      await show()
    }))
    return item
  })
  main.replaceChildren(
    element('p', me.account.name + ' (' + me.account.role + ', ' + me.account.id + ')'),
    ...list('Passkeys', passkeys),
    button('Add a passkey', () => fresh(async () => {
      const name = prompt('What is it called, like "phone"?')
      if (!name) return
      await make(await post('/account/passkeys/options', { name }), '/account/passkeys', { name })
      await show()
    })),
    ...(providers.length > 0 ? list('Elsewhere', elsewhere) : []),
    ...providers.map(({ id, label }) => button('Add ' + label, () => fresh(() => go('/account/identities/' + id)))),
    ...list('Agents (agentchat account link ' + me.account.id + ')', agentItems(agents)),
    button('A command shows a code', async () => {
      const code = prompt('The code that it shows, like BCDF-GHJK')
      if (code) await showDevice(code)
    }),
    ...list('Signed in', signIns),
    button('Sign out', async () => {
      await post('/signout')
      await show()
    }),
    button('Sign out everywhere', async () => {
      await post('/signout', { everywhere: true })
      await show()
    }),
    ...(me.account.role === 'operator'
      ? [...list('People', personItems(people)), invited,
        button('Invite somebody', async () => say((await fresh(() => post('/account/invitations', { role: invited.value }))).url))]
      : []),
  )
}

const show = async () => {
  try {
    const me = await ask('GET', '/account/me')
    const { code } = given
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
  say('This browser makes no passkeys here: they need a newer one, and HTTPS or http://localhost')
show()
`
