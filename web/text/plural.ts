// Numbers with their words, as each language counts.

/** @example const people = plural('en', { one: 'person', other: 'people' }); people(2) // '2 people' */
export const plural = (language: string, forms: { readonly one: string, readonly other: string }): (count: number) => string => {
  const rules = new Intl.PluralRules(language)
  const numbers = new Intl.NumberFormat(language)
  return count => `${numbers.format(count)} ${rules.select(count) === 'one' ? forms.one : forms.other}`
}
