// An identity provider of the real kind, on the loopback: oidc-provider, whose people are signed in by asking, and that can be told to lie.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateKeyPairSync } from 'node:crypto'
import { Provider } from 'oidc-provider'

export interface Person {
  readonly sub: string
  readonly email?: string
  readonly email_verified?: boolean
  readonly name?: string
  readonly groups?: readonly string[] | string
}

export class IdentityProvider implements AsyncDisposable {
  readonly issuer: string
  readonly #server: Server
  #person: Person = { sub: 'nobody' }

  constructor(issuer: string, server: Server) {
    this.issuer = issuer
    this.#server = server
  }

  static async start(redirects: readonly string[], secret = 'the secret of a client'): Promise<IdentityProvider> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const self = new IdentityProvider(issuer, server)
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
    const provider = new Provider(issuer, {
      clients: [{ client_id: 'agentchat', client_secret: secret, redirect_uris: [...redirects] }],
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], staff: ['groups'] },
      cookies: { keys: ['a key of tests'] },
      jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] as never },
      features: { devInteractions: { enabled: false } },
      pkce: { required: () => true },
      interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
      findAccount: (_ctx, id) => ({ accountId: id, claims: async () => ({ ...self.#person, sub: id }) }),
    })
    const answer = provider.callback()
    server.on('request', (request, response) => {
      if (!request.url!.startsWith('/interaction/')) return void answer(request, response)
      void (async () => {
        const { prompt, params, grantId } = await provider.interactionDetails(request, response)
        if (prompt.name === 'login') return provider.interactionFinished(request, response, { login: { accountId: self.#person.sub } })
        const grant = grantId === undefined
          ? new provider.Grant({ accountId: self.#person.sub, clientId: String(params['client_id']) })
          : (await provider.Grant.find(grantId))!
        grant.addOIDCScope('openid email profile staff')
        return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, {
          mergeWithLastSubmission: true,
        })
      })()
    })
    return self
  }

  /** Who is asked in, in a browser of its own. Gives where it sends the browser back to. */
  async signIn(url: string, person: Person): Promise<string> {
    this.#person = person
    const jar = new Map<string, string>()
    for (let at = url;;) {
      const response = await fetch(at, {
        redirect: 'manual',
        headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      })
      await response.arrayBuffer()
      for (const cookie of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!
        if (value === '') jar.delete(name!)
        else jar.set(name!, value!)
      }
      const next = response.headers.get('location')
      if (next === null) throw new Error(`${response.status} at ${at}`)
      at = new URL(next, at).href
      if (!at.startsWith(this.issuer)) return at
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}
