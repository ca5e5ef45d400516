// Who stands at the door: every socket from the moment it is accepted, in all and by address. Those that wait, for a request or for a
// login, make room for those who come; and one too many is let in just far enough to be told so.
import type { Duplex } from 'node:stream'

export interface DoorOptions {
  /** Sockets in all; up to `maxExtra` more are let in to be told. */
  readonly maxSockets: number
  /** Sockets of one address; 0 = unlimited. */
  readonly maxPerAddress: number
  /** Those of it that other processes of the relay have. */
  readonly elsewhereFrom?: (address: string) => number
  /** Sockets that were turned away unheard, and those that had to make room. */
  readonly counts: { socketsRefused: number, socketsEvicted: number }
}

/** Sockets beyond the limits that are heard only to be told: in all, and of one address. */
export const maxExtra = 64
const maxExtraPerAddress = 8

/** Files that the process keeps for itself: databases, requests to others, logs, standard streams. */
const ownFiles = 128

/** How many sockets a process takes that may open so many files: never so many that it could open none itself. */
export const roomForSockets = (maxFiles: number): number => Math.max(32, maxFiles - ownFiles - maxExtra)

/** An address, and who came from it. */
interface House {
  /** undefined: of proxies, each of which speaks for many */
  readonly address: string | undefined
  count: number
  extra: number
  /** Those that wait, the longest first. */
  readonly waiting: Set<Guest>
}

/** A socket. It counts at its own address, or while it speaks for somebody else at theirs. */
export interface Guest {
  readonly socket: Duplex
  readonly home: House
  house: House
  /** quiet: no request is under way; busy: one is; open: a WebSocket without a session; settled: one with a session. */
  state: 'quiet' | 'busy' | 'open' | 'settled' | 'gone'
  /** Beyond the limits: it is told so, and nothing else. */
  isExtra: boolean
  /** Says goodbye when it has to make room. */
  onEvicted: (() => void) | undefined
}

const newHouse = (address: string | undefined): House => ({ address, count: 0, extra: 0, waiting: new Set() })

export class Door {
  readonly #options: DoorOptions
  readonly #houses = new Map<string, House>()
  readonly #proxies = newHouse(undefined)
  readonly #extra = new Set<Guest>()
  readonly #ranks = new Ranks()
  #count = 0

  constructor(options: DoorOptions) {
    this.#options = options
  }

  /** A socket was accepted; undefined: there is no room, and it is gone. @param address undefined: a proxy */
  enter(socket: Duplex, address: string | undefined): Guest | undefined {
    const home = address === undefined ? this.#proxies : this.#houseOf(address)
    if (this.#isHouseFull(home)) this.#evict(oldest(home, 'quiet'))
    if (this.#isFull) this.#evict(this.#whoMakesRoomFor(home))
    if (this.#isFull || this.#isHouseFull(home)) {
      if (home.extra >= (home === this.#proxies ? maxExtra : maxExtraPerAddress)) {
        this.#options.counts.socketsRefused++
        socket.destroy()
        return undefined
      }
      if (this.#extra.size >= maxExtra) this.#evict(this.#extra.values().next().value)
    }
    const guest: Guest = { socket, home, house: home, state: 'quiet', isExtra: false, onEvicted: undefined }
    this.#add(guest, home)
    this.#wait(guest)
    return guest
  }

  /** A request begins, for an address. False: it is one too many, and to be told so. */
  asks(guest: Guest, address: string): boolean {
    return this.#speaks(guest, address, 'busy')
  }

  /** The request was answered. */
  answered(guest: Guest): void {
    if (guest.state !== 'busy') return
    this.#move(guest, guest.home)
    guest.state = 'quiet'
    this.#wait(guest)
  }

  /** It becomes a WebSocket, of an address. False: it is one too many, and to be told so. */
  opens(guest: Guest, address: string): boolean {
    const isWelcome = this.#speaks(guest, address, 'open')
    if (guest.state === 'open') this.#wait(guest)
    return isWelcome
  }

  /** Its login is through: it makes room for nobody any more. */
  settles(guest: Guest): void {
    if (guest.state === 'gone') return
    this.#stopWaiting(guest)
    guest.state = 'settled'
    guest.onEvicted = undefined
  }

  leaves(guest: Guest): void {
    if (guest.state === 'gone') return
    this.#stopWaiting(guest)
    this.#remove(guest)
    guest.state = 'gone'
  }

  #speaks(guest: Guest, address: string, state: 'busy' | 'open'): boolean {
    if (guest.state === 'gone') return false
    this.#stopWaiting(guest)
    guest.state = state
    this.#move(guest, guest.home === this.#proxies ? this.#houseOf(address) : guest.home)
    return !guest.isExtra
  }

  get #isFull(): boolean {
    return this.#count >= this.#options.maxSockets
  }

  #isHouseFull(house: House): boolean {
    const { maxPerAddress, elsewhereFrom } = this.#options
    if (maxPerAddress === 0 || house.address === undefined) return false
    return house.count + (elsewhereFrom?.(house.address) ?? 0) >= maxPerAddress
  }

  /** Who waits in the fullest house; for a login only if more wait there than came from the newcomer's. */
  #whoMakesRoomFor(newcomer: House): Guest | undefined {
    const house = this.#ranks.fullest
    if (house === undefined) return undefined
    return oldest(house, 'quiet') ?? (house.waiting.size > newcomer.count ? oldest(house, 'open') : undefined)
  }

  #evict(guest: Guest | undefined): void {
    if (guest === undefined) return
    this.#options.counts.socketsEvicted++
    this.leaves(guest)
    guest.onEvicted?.()
    guest.socket.destroy()
  }

  #houseOf(address: string): House {
    let house = this.#houses.get(address)
    if (house === undefined) this.#houses.set(address, house = newHouse(address))
    return house
  }

  /** Also where it stays: there may be room now. */
  #move(guest: Guest, house: House): void {
    this.#remove(guest)
    // It may have been forgotten as empty just now.
    if (house.address !== undefined) this.#houses.set(house.address, house)
    this.#add(guest, house)
  }

  #add(guest: Guest, house: House): void {
    guest.house = house
    guest.isExtra = this.#isFull || this.#isHouseFull(house)
    if (guest.isExtra) {
      house.extra++
      this.#extra.add(guest)
    } else {
      house.count++
      this.#count++
    }
  }

  #remove(guest: Guest): void {
    const { house } = guest
    if (guest.isExtra) {
      house.extra--
      this.#extra.delete(guest)
    } else {
      house.count--
      this.#count--
    }
    if (house.address !== undefined && house.count + house.extra === 0) this.#houses.delete(house.address)
  }

  /** One beyond the limits has no room that it could make. */
  #wait(guest: Guest): void {
    if (guest.isExtra) return
    const { waiting } = guest.house
    waiting.add(guest)
    this.#ranks.moved(guest.house, waiting.size - 1)
  }

  #stopWaiting(guest: Guest): void {
    const { waiting } = guest.house
    if (waiting.delete(guest)) this.#ranks.moved(guest.house, waiting.size + 1)
  }
}

const oldest = (house: House, state: Guest['state']): Guest | undefined => {
  for (const guest of house.waiting) if (guest.state === state) return guest
  return undefined
}

/** Houses by how many wait in each, so that the fullest is at hand. */
class Ranks {
  readonly #ranks: Set<House>[] = [new Set()]
  #top = 0

  /** One more waits in a house than did, or one less. */
  moved(house: House, from: number): void {
    const to = house.waiting.size
    this.#ranks[from]!.delete(house)
    if (to > 0) (this.#ranks[to] ??= new Set()).add(house)
    if (to > this.#top) this.#top = to
    while (this.#top > 0 && this.#ranks[this.#top]!.size === 0) this.#top--
  }

  /** Of several the one that has been so for longest. */
  get fullest(): House | undefined {
    return this.#ranks[this.#top]!.values().next().value
  }
}
