import { Duplex } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { Door, maxExtra, roomForSockets, type Guest } from './door.ts'

const setUp = (maxSockets: number, maxPerAddress: number) => {
  const counts = { socketsRefused: 0, socketsEvicted: 0 }
  const door = new Door({ maxSockets, maxPerAddress, counts })
  const enter = (address: string | undefined): Guest | undefined => door.enter(new Duplex(), address)
  /** One that has logged in. */
  const settle = (address: string): Guest => {
    const guest = enter(address)!
    door.opens(guest, address)
    door.settles(guest)
    return guest
  }
  return { door, counts, enter, settle }
}

const isOpen = (guest: Guest | undefined): boolean => guest !== undefined && !guest.socket.destroyed

describe('an address that has all it may', () => {
  test('makes room for itself: the one that waited longest without asking anything goes', () => {
    const { door, enter, counts } = setUp(100, 3)
    const guests = [enter('a'), enter('a'), enter('a')]
    door.asks(guests[0]!, 'a')
    const fourth = enter('a')
    expect(guests.map(isOpen)).toEqual([true, false, true])
    expect(isOpen(fourth)).toBe(true)
    expect(door.asks(fourth!, 'a')).toBe(true)
    expect(counts).toEqual({ socketsRefused: 0, socketsEvicted: 1 })
  })

  test('is told so on a few more, and refused unheard after those', () => {
    const { door, enter, settle, counts } = setUp(100, 2)
    const first = settle('a')
    settle('a')
    const more = Array.from({ length: 20 }, () => enter('a'))
    expect(more.filter(isOpen)).toHaveLength(8)
    expect(counts.socketsRefused).toBe(12)
    expect(door.opens(more[0]!, 'a')).toBe(false)
    expect(isOpen(enter('b'))).toBe(true)
    // There is room again by the time that it asks.
    door.leaves(first)
    expect(door.opens(more[1]!, 'a')).toBe(true)
    expect(door.opens(more[2]!, 'a')).toBe(false)
  })

  test('without a limit has as many as there are', () => {
    const { enter, counts } = setUp(100, 0)
    expect(Array.from({ length: 100 }, () => enter('a')).every(isOpen)).toBe(true)
    expect(counts).toEqual({ socketsRefused: 0, socketsEvicted: 0 })
  })
})

describe('a full relay', () => {
  test('makes room for who comes: the largest address goes first, its oldest socket first', () => {
    const { enter } = setUp(10, 0)
    const large = Array.from({ length: 6 }, () => enter('large'))
    const small = Array.from({ length: 4 }, () => enter('small'))
    const come = Array.from({ length: 4 }, (_, i) => enter(`honest-${i}`))
    expect(large.map(isOpen)).toEqual([false, false, false, true, true, true])
    // From then on the two are equally large.
    expect(small.filter(isOpen)).toHaveLength(3)
    expect(come.every(isOpen)).toBe(true)
  })

  test('asks those that log in to make room only if they are more than those of the address that comes', () => {
    const { door, enter } = setUp(3, 0)
    const goodbyes: number[] = []
    const open = Array.from({ length: 3 }, (_, i) => {
      const guest = enter('a')!
      door.opens(guest, 'a')
      guest.onEvicted = () => goodbyes.push(i)
      return guest
    })
    const fourth = enter('a')
    expect(open.every(isOpen)).toBe(true)
    expect(door.opens(fourth!, 'a')).toBe(false)
    expect(door.opens(enter('b')!, 'b')).toBe(true)
    expect(open.map(isOpen)).toEqual([false, true, true])
    expect(goodbyes).toEqual([0])
  })

  test('never ends a session for a newcomer, who is told', () => {
    const { door, enter, settle, counts } = setUp(3, 0)
    const sessions = [settle('a'), settle('a'), settle('a')]
    const come = Array.from({ length: maxExtra + 5 }, (_, i) => enter(`address-${i}`))
    expect(sessions.every(isOpen)).toBe(true)
    // The last ones are heard: the first ones had their time.
    expect(come.map(isOpen)).toEqual([...Array<boolean>(5).fill(false), ...Array<boolean>(maxExtra).fill(true)])
    expect(come.slice(5).map(guest => door.asks(guest!, guest!.home.address!))).toEqual(Array(maxExtra).fill(false))
    expect(counts).toEqual({ socketsRefused: 0, socketsEvicted: 5 })
  })
})

test('a proxy has as many sockets as it needs, and each counts at the address that it speaks for while it does', () => {
  const { door, enter } = setUp(100, 2)
  const sockets = Array.from({ length: 10 }, () => enter(undefined)!)
  expect(sockets.every(isOpen)).toBe(true)
  expect(door.opens(sockets[0]!, 'a')).toBe(true)
  expect(door.asks(sockets[1]!, 'a')).toBe(true)
  expect(door.opens(sockets[2]!, 'a')).toBe(false)
  expect(door.asks(sockets[3]!, 'b')).toBe(true)
  door.answered(sockets[1]!)
  expect(door.opens(sockets[4]!, 'a')).toBe(true)
})

test('a process that may open few files takes fewer sockets', () => {
  expect(roomForSockets(1_024)).toBe(832)
  expect(roomForSockets(20_000)).toBe(19_808)
  expect(roomForSockets(Infinity)).toBe(Infinity)
  expect(roomForSockets(64)).toBe(32)
})

test('whatever happens, the limits hold, and what left is forgotten', () => {
  const { door, enter } = setUp(40, 7)
  const addresses = [undefined, ...Array.from({ length: 12 }, (_, i) => `address-${i}`)]
  const all = new Set<Guest>()
  let state = 1
  const random = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
  for (let step = 0; step < 4_000; step++) {
    const guests = [...all].filter(isOpen)
    const guest = guests[random(Math.max(1, guests.length))]
    const address = addresses[1 + random(addresses.length - 1)]!
    const what = random(6)
    if (what < 3 || guest === undefined) {
      const come = enter(addresses[random(addresses.length)])
      if (come !== undefined) all.add(come)
    } else if (what === 3) {
      if (guest.state === 'quiet') door.asks(guest, address)
      else door.answered(guest)
    } else if (what === 4) {
      if (guest.state === 'quiet') door.opens(guest, address)
      else if (guest.state === 'open') door.settles(guest)
    } else {
      door.leaves(guest)
      guest.socket.destroy()
    }
    if (step % 20 > 0) continue
    const open = [...all].filter(isOpen)
    for (const gone of all) if (!isOpen(gone)) all.delete(gone)
    const regular = open.filter(({ isExtra }) => !isExtra)
    expect(regular.length).toBeLessThanOrEqual(40)
    expect(open.length - regular.length).toBeLessThanOrEqual(maxExtra + 1)
    const houses = new Set(open.map(({ house }) => house))
    for (const house of houses) {
      const here = open.filter(each => each.house === house)
      expect(house.count).toBe(here.filter(({ isExtra }) => !isExtra).length)
      expect(house.extra).toBe(here.filter(({ isExtra }) => isExtra).length)
      expect(house.waiting.size).toBe(here.filter(({ state, isExtra }) => !isExtra && (state === 'quiet' || state === 'open')).length)
      if (house.address !== undefined) expect(house.count).toBeLessThanOrEqual(7)
    }
  }
  for (const guest of all) door.leaves(guest)
  expect(Array.from({ length: 40 }, (_, i) => enter(`address-${i}`)).every(guest => guest?.isExtra === false)).toBe(true)
})
