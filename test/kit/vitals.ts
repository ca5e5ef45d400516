// Whether a relay is well: that strangers can meet on it, and what it counts of itself.
import { expect } from 'vitest'
import { login } from './wire.ts'

/** Two newcomers exchange messages: what a relay that is well can always do. */
export const expectExchange = async (url: string): Promise<void> => {
  await using ann = await login(url, 'ann')
  await using bob = await login(url, 'bob')
  const content = `well at ${Math.random()}`
  const { seq } = await ann.ask({ type: 'MSG', to: '#general', content }, 'ACK')
  for (const wire of [ann, bob]) {
    let heard = await wire.next('MSG')
    while (heard.content !== content) heard = await wire.next('MSG')
    expect(heard).toMatchObject({ from: ann.id, to: '#general', seq })
  }
}

/** Every metric by its name, labels included. */
export const metricsOf = async (httpUrl: string): Promise<Readonly<Record<string, number>>> => {
  const text = await (await fetch(`${httpUrl}/metrics`)).text()
  return Object.fromEntries(text.split('\n').filter(line => line !== '' && !line.startsWith('#')).map(line => {
    const at = line.lastIndexOf(' ')
    return [line.slice(0, at), Number(line.slice(at + 1))]
  }))
}
