// A deployment from plan to end, step by step. Each step looks at the chain first, so that a step that was done and not written
// down is not done again.
import type { Bid, ChainReader, ChainWriter, Provider } from './chain.ts'
import { offersOf, type Offer } from './bids.ts'
import { AkashError } from './failure.ts'
import { checkDeposit, checkMint } from './limits.ts'
import { act, akt, aktToBurn, priceText } from './money.ts'
import type { ProviderClient } from './provider.ts'
import { steps, type DeploymentRecord, type Step } from './record.ts'
import type { Manifest } from './sdl.ts'
import { Transactor, type Question, type RecordHolder } from './transactor.ts'

export interface DeploymentParts {
  readonly reader: ChainReader
  readonly writer: ChainWriter
  openProvider(provider: Provider, pins: readonly string[]): ProviderClient
  save(record: DeploymentRecord): void
  ask(question: Question): Promise<void>
  /** Shows all offers, and may choose; undefined leaves it to the rule. */
  choose(offers: readonly Offer[]): Promise<Bid | undefined>
  say(text: string): void
  progress(text: string): void
  now(): number
  /** Between two looks; rejects when the command is to end. */
  pause(): Promise<void>
}

/** How often is looked before giving up for now, at the default of 6 s between two looks. */
const polls = { mint: 50, bids: 30, manifest: 20, running: 100 } as const
/** Kept in AKT beside what is burned, in tenths of the highest fee: without it a lease could neither be paid nor the deployment closed. */
const reserveTenths = 4n

export class Deployment implements RecordHolder {
  #record: DeploymentRecord
  readonly #parts: DeploymentParts
  readonly #transactor: Transactor

  constructor(record: DeploymentRecord, parts: DeploymentParts) {
    this.#record = record
    this.#parts = parts
    const { reader, writer, ask, say, progress, pause } = parts
    this.#transactor = new Transactor({ holder: this, reader, writer, ask, say, progress, pause })
  }

  get record(): DeploymentRecord {
    return this.#record
  }

  change(patch: Parameters<RecordHolder['change']>[0]): void {
    const before = this.#record.step
    const merged = { ...this.#record, ...patch, updated: new Date(this.#parts.now()).toISOString() }
    const record = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined)) as unknown as DeploymentRecord
    this.#parts.save(record)
    this.#record = record
    if (record.step !== before) this.#parts.say(`${record.step}: ${steps[record.step]}`)
  }

  /** Goes on from wherever it is until the relay runs, or until it is closed where closing has begun. */
  async advance(): Promise<void> {
    await this.#preflight()
    if (this.#record.pending !== undefined) await this.#transactor.resume()
    if (this.#record.step === 'closing' || this.#record.step === 'closed') return this.close()
    if (this.#record.next !== undefined) await this.#update()
    for (;;) {
      const { step } = this.record
      if (step === 'running' || step === 'closing' || step === 'closed') return
      await this.#stepOf[step]()
    }
  }

  /** Ends it, wherever it is; what is left in escrow comes back with the same block. */
  async close(): Promise<void> {
    await this.#preflight()
    if (this.#record.pending !== undefined) await this.#transactor.resume().catch(this.#tolerateFailed)
    // An ACT that is on its way would come to the wallet anyway: nothing to wait for.
    const { owner, dseq, deposited, manifest } = this.#record
    const { reader } = this.#parts
    const there = await reader.deployment(owner, dseq)
    if (there === undefined && deposited > 0n)
      throw new AkashError('unreachable',
        `${this.#record.rest} does not know the deployment ${dseq}, which is on the chain and holds money`,
        'The node is behind, or forgets. Name another with --rpc and --rest.')
    // What another program made under the same number is not ours to end.
    const isOurs = deposited > 0n || there?.hash === manifest.hash
    if (isOurs && there?.state === 'active') await this.#transactor.send({ kind: 'close', dseq }, { step: 'closing' })
    const transferred = isOurs ? (await reader.deployment(owner, dseq))?.transferred ?? 0n : 0n
    const left = deposited - (transferred + 10n ** 18n - 1n) / 10n ** 18n
    // Less than nothing where somebody else has put something in as well.
    this.change({ step: 'closed', refund: left > 0n ? left : 0n })
  }

  async topUp(uact: bigint): Promise<void> {
    const { limits } = this.#record
    checkDeposit(uact, limits)
    await this.#preflight()
    if (this.#record.pending !== undefined) await this.#transactor.resume()
    await this.#mustBeActive()
    await this.#ensureAct(uact)
    await this.#transactor.send({ kind: 'deposit', dseq: this.#record.dseq, uact })
  }

  async update(next: Manifest): Promise<void> {
    await this.#preflight()
    // What an earlier run has signed belongs to the manifest of that run.
    if (this.#record.pending !== undefined) await this.#transactor.resume()
    const { manifest, step } = this.#record
    if (step !== 'leased' && step !== 'sent' && step !== 'running')
      throw new AkashError('refused', `The deployment is ${step}, and has no lease`, 'agentchat deploy resume goes on with it.')
    if (next.hash === manifest.hash) throw new AkashError('refused', 'Nothing has changed')
    if (next.groups.join() !== manifest.groups.join())
      throw new AkashError('refused', 'Size, volume, ports and placement cannot change while a lease runs',
        'Another deployment is needed, with an empty volume: agentchat deploy close, then up.')
    await this.#mustBeActive()
    this.change({ next: { ...next, groups: [...next.groups] } })
    await this.advance()
  }

  readonly #stepOf: Readonly<Record<Exclude<Step, 'running' | 'closing' | 'closed'>, () => Promise<void>>> = {
    planned: async () => {
      const { record } = this
      checkDeposit(record.deposit, record.limits)
      const least = await this.#parts.reader.minDepositUact()
      if (record.deposit < least)
        throw new AkashError('refused', `A deposit of ${act(record.deposit)} is below the chain's minimum of ${act(least)}`,
          'Deposit more: --deposit')
      await this.#ensureAct(record.deposit)
      const [has, needs] = [await this.#parts.reader.balance(record.owner, 'uakt'), this.#feeReserve]
      if (has < needs)
        throw new AkashError('refused', `The wallet has ${akt(has)}; ${akt(needs)} are needed for the fees of a lease and of its end`,
          `Send ${akt(needs - has)} or more to ${record.owner}, then agentchat deploy resume`)
      this.change({ step: 'funded' })
    },

    funded: async () => {
      const { owner, dseq, manifest, deposit } = this.record
      const there = await this.#parts.reader.deployment(owner, dseq)
      if (there?.hash === manifest.hash) return this.change({ step: 'created', deposited: deposit })
      if (await this.#parts.reader.balance(owner, 'uact') < deposit) return this.change({ step: 'planned' })
      await this.#transactor.send({ kind: 'create', dseq, groups: manifest.groups, hash: manifest.hash, depositUact: deposit })
    },

    created: async () => {
      await this.#mustBeActive()
      const bid = await this.#bid()
      this.change({ step: 'chosen', bid: { id: { ...bid.id }, price: bid.price } })
    },

    chosen: async () => {
      const { owner, dseq, bid } = this.record
      const { reader } = this.#parts
      const leases = await reader.leases(owner, dseq)
      if (leases.some(({ id, state }) => state === 'active' && id.provider === bid!.id.provider)) return this.change({ step: 'leased' })
      // The very one: its provider may have taken it back and asks for more now.
      const isOpen = (await reader.bids(owner, dseq)).some(({ id, state, price }) =>
        state === 'open' && id.provider === bid!.id.provider && id.bseq === bid!.id.bseq && price === bid!.price
      )
      if (!isOpen) {
        this.#parts.say('The bid is gone: bids last about five minutes. Looking for another')
        return this.change({ step: 'created', bid: undefined })
      }
      await this.#transactor.send({ kind: 'lease', bid: bid!.id })
    },

    leased: async () => {
      const { dseq, manifest } = this.record
      using provider = await this.provider()
      for (let poll = 0; poll < polls.manifest; poll++) {
        if (await provider.sendManifest(dseq, manifest.json)) return this.change({ step: 'sent' })
        await this.#mustBeLeased()
        this.#parts.progress('Waiting for the provider to see the lease')
        await this.#parts.pause()
      }
      throw new AkashError('timeout', `The provider ${provider.address} does not know of the lease`,
        'It closes the lease when it has no manifest after five minutes. Again: agentchat deploy resume. The money back: agentchat '
          + 'deploy abort')
    },

    sent: async () => {
      using provider = await this.provider()
      for (let poll = 0; poll < polls.running; poll++) {
        const services = Object.values((await provider.status(this.record.bid!.id))?.services ?? {})
        if (services.length > 0 && services.every(({ available }) => available > 0))
          return this.change({
            step: 'running',
            uris: services.flatMap(({ uris }) => uris),
          })
        await this.#mustBeLeased()
        this.#parts.progress('Waiting for the relay to start: the image is fetched, the volume made')
        await this.#parts.pause()
      }
      throw new AkashError('timeout', 'The relay has not started',
        'agentchat deploy events and agentchat deploy logs tell why; agentchat deploy resume waits on; agentchat deploy abort takes '
          + 'the money back.')
    },
  }

  /** The gateway of the provider that has the lease; to be disposed of. */
  async provider(): Promise<ProviderClient> {
    await this.#mustBeLeased()
    const { bid } = this.record
    const { reader, openProvider } = this.#parts
    const [provider, pins] = await Promise.all([reader.provider(bid!.id.provider), reader.certificates(bid!.id.provider)])
    if (provider === undefined)
      throw new AkashError('notFound', `The provider ${bid!.id.provider} is not on the chain any more`,
        'agentchat deploy abort takes the money back.')
    return openProvider(provider, pins)
  }

  async #update(): Promise<void> {
    const { owner, dseq, next } = this.record
    const there = await this.#parts.reader.deployment(owner, dseq)
    if (there?.hash === next!.hash) this.change({ step: 'leased', manifest: next!, next: undefined })
    else await this.#transactor.send({ kind: 'update', dseq, hash: next!.hash })
  }

  /** Waits until a bid can be taken and no other came for one look more, and takes one. */
  async #bid(): Promise<Bid> {
    const { reader, choose, pause, progress } = this.#parts
    const { owner, dseq, limits, providers } = this.record
    const known = new Map<string, Provider | undefined>()
    let offers: readonly Offer[] = []
    for (let poll = 0; poll < polls.bids; poll++) {
      const bids = await reader.bids(owner, dseq)
      await Promise.all(
        bids.filter(({ id }) => !known.has(id.provider)).map(async ({ id }) => known.set(id.provider, await reader.provider(id.provider))),
      )
      const before = offers.length
      offers = offersOf(bids, known, { limits, providers })
      const good = offers.find(({ problem }) => problem === undefined)
      if (good !== undefined && offers.length === before) return await choose(offers) ?? good.bid
      progress(`Waiting for bids: ${offers.length} so far${offers.length > 0 && good === undefined ? ', none of them acceptable' : ''}`)
      await pause()
    }
    if (offers.length === 0)
      throw new AkashError('timeout', 'No provider has bid',
        'Wait on: agentchat deploy resume. Or agentchat deploy abort takes the money back; then allow a higher price, another region '
          + 'or a smaller size.')
    await choose(offers)
    throw new AkashError('refused',
      `None of ${offers.length} bids can be taken: ${offers.map(({ bid, problem }) => `${bid.id.provider} ${problem}`).join('; ')}`,
      'agentchat deploy abort takes the money back; then raise the limit.')
  }

  /** Until the wallet holds `uact`: mints what is missing, by a transaction and an epoch of the chain. */
  async #ensureAct(uact: bigint): Promise<void> {
    const { reader, say } = this.#parts
    const { owner, limits } = this.record
    for (let isMinted = false;; isMinted = true) {
      if (this.record.mint?.height !== undefined) await this.#awaitMint(this.record.mint.height)
      const held = await reader.balance(owner, 'uact')
      if (held >= uact) return
      if (isMinted)
        throw new AkashError('refused', `The chain minted less than was asked for: the wallet holds ${act(held)} of ${act(uact)}`,
          'The price of AKT fell meanwhile. Mint the rest: agentchat deploy resume. Or give up: agentchat deploy abort')
      const { isAllowed, status, minUact, aktPrice } = await reader.mintTerms()
      if (!isAllowed || aktPrice === undefined) {
        throw new AkashError('refused',
          `The wallet holds ${act(held)} of ${act(uact)}, and no ACT is minted now (${
            isAllowed ? 'the price of AKT is not known' : status
          })`, 'Try again later; nothing was paid.')
      }
      const missing = uact - held > minUact ? uact - held : minUact
      const uakt = aktToBurn(missing, aktPrice)
      checkMint(missing, uakt, limits)
      const [has, needs] = [await reader.balance(owner, 'uakt'), uakt + this.#feeReserve]
      if (has < needs)
        throw new AkashError('refused', `The wallet has ${akt(has)}; ${akt(needs)} are needed to mint ${act(missing)} and for fees`,
          `Send ${akt(needs - has)} or more to ${owner}, then agentchat deploy resume`)
      say(
        `The wallet holds ${act(held)} of ${act(uact)}: burning ${akt(uakt)} for about ${act(missing)}, at ${
          priceText(aktPrice)
        } dollars for one AKT`,
      )
      await this.#transactor.send({ kind: 'mint', uakt }, { mint: { uakt } })
    }
  }

  get #feeReserve(): bigint {
    return reserveTenths * this.record.limits.maxFeeUakt / 10n
  }

  async #awaitMint(height: number): Promise<void> {
    const { reader, pause, progress } = this.#parts
    const { owner, mint } = this.record
    for (let poll = 0; poll < polls.mint; poll++) {
      const found = (await reader.mints(owner)).find(entry => entry.height === height)
      if (found?.status === 'executed') return this.change({ mint: undefined })
      if (found?.status === 'canceled') {
        this.change({ mint: undefined })
        throw new AkashError('refused', `The chain did not mint: ${found.reason || 'no reason given'}. ${akt(mint!.uakt)} came back`,
          'Try again: agentchat deploy resume')
      }
      progress('Waiting for the chain to mint ACT: about a minute')
      await pause()
    }
    throw new AkashError('timeout', 'The ACT has not come yet', 'It will: agentchat deploy resume goes on from here.')
  }

  async #preflight(): Promise<void> {
    const { chainId, rpc, owner } = this.record
    const { reader, writer } = this.#parts
    if (writer.address !== owner)
      throw new AkashError('auth', `The deployment belongs to ${owner}, the wallet is ${writer.address}`, 'Name its wallet with --wallet.')
    const status = await reader.status()
    if (status.chainId !== chainId)
      throw new AkashError('refused', `${rpc} is a node of ${status.chainId}, not of ${chainId}`,
        'Name a node of this network with --rpc and --rest.')
    if (status.isCatchingUp)
      throw new AkashError('unreachable', `${rpc} is behind the chain`, 'Name another node with --rpc and --rest, or wait.')
  }

  async #mustBeActive(): Promise<void> {
    const { owner, dseq } = this.record
    const there = await this.#parts.reader.deployment(owner, dseq)
    if (there?.state === 'active') return
    throw new AkashError('refused',
      `The deployment ${dseq} is ${
        there === undefined ? 'not on the chain' : `${there.state} on the chain: its escrow ran out, or it was closed elsewhere`
      }`, 'agentchat deploy close settles it here.')
  }

  async #mustBeLeased(): Promise<void> {
    const { owner, dseq, bid } = this.record
    const lease = bid && (await this.#parts.reader.leases(owner, dseq)).find(({ id }) => id.provider === bid.id.provider)
    if (lease?.state === 'active') return
    throw new AkashError('refused', lease === undefined
      ? `The deployment ${dseq} has no lease`
      : `The lease is ${lease.state}${lease.reason === '' ? '' : ` (${lease.reason})`}: nothing runs`,
      'agentchat deploy close takes back what is left; agentchat deploy up starts anew.')
  }

  /** A transaction that failed in its block has paid its fee and done nothing: closing goes on. */
  readonly #tolerateFailed = (error: unknown): void => {
    if (error instanceof AkashError && error.problem === 'refused') this.#parts.say(error.message)
    else throw error
  }
}
