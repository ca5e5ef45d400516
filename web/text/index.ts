// What the console says, in the visitor's language: typed, so that a text that is missing in one does not compile.
import { computed, signal } from '@preact/signals'
import { en } from './en.ts'
import { pseudo } from './pseudo.ts'

export type Texts = typeof en
/** `pseudo` is for tests: longer words, from right to left. */
export type Locale = 'en' | 'de' | 'pseudo'

export const locales: readonly Locale[] = ['en', 'de']

const loaders: Readonly<Record<Locale, () => Texts | Promise<Texts>>> = {
  en: () => en,
  de: async () => (await import('./de.ts')).de,
  pseudo: () => pseudo(en),
}

const spoken = signal<{ readonly locale: Locale, readonly texts: Texts }>({ locale: 'en', texts: en })

/** @example <h1>{t.value.chat.title}</h1> */
export const t = computed(() => spoken.value.texts)
export const locale = computed(() => spoken.value.locale)
/** For `Intl`: dates and numbers as the language writes them. */
export const language = computed(() => spoken.value.locale === 'pseudo' ? 'en' : spoken.value.locale)

/** Speaks a language from here on. */
export const speak = async (wanted: Locale): Promise<void> => {
  const texts = await loaders[wanted]()
  spoken.value = { locale: wanted, texts }
  document.documentElement.lang = wanted === 'pseudo' ? 'en' : wanted
  document.documentElement.dir = wanted === 'pseudo' ? 'rtl' : 'ltr'
}
