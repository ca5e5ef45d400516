// A value as YAML for people: with comments above its keys, and a heading.
import { Document, isMap, isScalar, type Scalar } from 'yaml'

/** @param comments path of a key, joined with `/`, to the comment above it */
export const yamlText = (value: object, heading: string, comments: Readonly<Record<string, string>> = {}): string => {
  const document = new Document(value, { aliasDuplicateObjects: false })
  for (const [path, comment] of Object.entries(comments)) {
    const steps = path.split('/')
    const parent: unknown = steps.length === 1 ? document.contents : document.getIn(steps.slice(0, -1), true)
    const key = isMap(parent) ? parent.items.find(({ key }) => isScalar(key) && key.value === steps.at(-1))?.key : undefined
    if (key === undefined) throw new Error(`There is no ${path} to comment on`)
    ;(key as Scalar).commentBefore = commented(comment)
  }
  document.commentBefore = commented(heading)
  return document.toString({ lineWidth: 0 })
}

const commented = (text: string): string => text.split('\n').map(line => line === '' ? '' : ` ${line}`).join('\n')
