// Sets that are empty for almost everybody: the empty one is shared, because each of its own costs two hundred bytes per connection.

export const none: ReadonlySet<never> = new Set<never>()

export const withMember = (set: ReadonlySet<string>, member: string): ReadonlySet<string> =>
  set === none ? new Set([member]) : (set as Set<string>).add(member)

export const withoutMember = (set: ReadonlySet<string>, member: string): ReadonlySet<string> => {
  if (set !== none) (set as Set<string>).delete(member)
  return set.size === 0 ? none : set
}
