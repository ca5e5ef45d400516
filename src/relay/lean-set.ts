// Sets that are empty for almost everybody: the empty one is shared, because each of its own costs two hundred bytes per connection.

export const none: ReadonlySet<never> = new Set<never>()

export const withMember = <T>(set: ReadonlySet<T>, member: T): ReadonlySet<T> =>
  set === none ? new Set([member]) : (set as Set<T>).add(member)

export const withoutMember = <T>(set: ReadonlySet<T>, member: T): ReadonlySet<T> => {
  if (set !== none) (set as Set<T>).delete(member)
  return set.size === 0 ? none : set
}
