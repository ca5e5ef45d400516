// Names with the relay that they are names at: "#general@chat.example", "@8addfe276526c9f6@chat.example:8443".

/** Where an agent or a channel is: its id or name here, and the host of its relay where one is named. */
export interface Address {
  /** "#general", "@8addfe276526c9f6" */
  readonly name: string
  /** undefined: the relay that is spoken to */
  readonly host: string | undefined
}

/** Takes apart what a field took for an address. */
export const addressOf = (text: string): Address => {
  const at = text.indexOf('@', 1)
  return at === -1 ? { name: text, host: undefined } : { name: text.slice(0, at), host: text.slice(at + 1) }
}

/** Whether a name says at which relay. */
export const hasHost = (name: unknown): name is string => typeof name === 'string' && name.includes('@', 1)

/** The host of the relay that handed an event on, by its `via`; undefined: it came in by a door of its own relay, whose names have neither dot nor port. */
export const hostOfVia = (via: string | undefined): string | undefined => via !== undefined && /[.:]/.test(via) ? via : undefined
