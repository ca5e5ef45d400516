// What the processes of one relay tell each other: the port. It carries what is plain: texts, numbers, lists, records and buffers.

/** Who hears what: a channel ("#general"), an agent ("@k3x9q2ab"), one process ("!node"), or `everyone`. */
export type Subject = string

export const everyone: Subject = '*'

/** What is said to one process alone. */
export const processNamed = (node: string): Subject => `!${node}`

/**
 * It may lose, delay, double and reorder: the log has everything, and positions say what is missing. In good times what one node
 * publishes about one subject comes once, in order, and soon.
 */
export interface Bus<Message> {
  /** The name of this process on it. */
  readonly node: string
  /** Nobody else is there, so that nothing has to be told. */
  readonly isAlone: boolean
  /** False: nothing that others publish is heard at the moment. */
  readonly isUp: boolean
  /** To those others who follow the subject. Called after the commit; never throws and never waits. */
  publish(subject: Subject, message: Message): void
  /** What is published about it from when this resolves on is heard. Never rejects: it takes as long as it takes, or until it is unfollowed. */
  follow(subject: Subject): void | Promise<void>
  unfollow(subject: Subject): void
  /** Whom to call with what others publish; it does not throw. */
  hear(listener: (message: Message, from: string) => void): void
  /** Whom to call when something was not heard, and what comes is heard again. */
  missed(listener: () => void): void
  /** Nothing is heard or told any more. */
  close(): Promise<void>
}
