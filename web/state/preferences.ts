// How the visitor wants the console to look and speak; kept in this browser.
import { effect, signal } from '@preact/signals'
import { locales, speak, type Locale } from '../text/index.ts'
import { brand } from './brand.ts'

/** `brand`: in the colours of the relay's operator. */
export type Theme = 'brand' | 'brutalist' | 'neon' | 'plain' | 'contrast'
/** Those to choose from, the first one by default. */
export const themes: readonly Theme[] = [...brand.hasTheme ? ['brand'] as const : [], 'brutalist', 'neon', 'plain', 'contrast']

const read = (key: string): string | null => {
  try {
    return localStorage.getItem(`agentchat.${key}`)
  } catch {
    return null
  }
}
const write = (key: string, value: string | undefined): void => {
  try {
    if (value === undefined) localStorage.removeItem(`agentchat.${key}`)
    else localStorage.setItem(`agentchat.${key}`, value)
  } catch {
    // A browser that keeps nothing shows it all the same.
  }
}

const asked = (): Theme => {
  const kept = read('theme')
  if (themes.includes(kept as Theme)) return kept as Theme
  return matchMedia('(prefers-contrast: more)').matches ? 'contrast' : themes[0]!
}

const kept = (): Locale | undefined => {
  const locale = read('locale') as Locale
  return locale === 'pseudo' || locales.includes(locale) ? locale : undefined
}
const ofBrowser = (): Locale => locales.find(each => navigator.language.startsWith(each)) ?? 'en'

export const theme = signal<Theme>(asked())
/** undefined: what the browser asks for. */
export const wantedLocale = signal<Locale | undefined>(kept())

export const chooseTheme = (chosen: Theme): void => {
  theme.value = chosen
  write('theme', chosen)
}

/** @param chosen undefined: what the browser asks for */
export const chooseLocale = (chosen: Locale | undefined): void => {
  wantedLocale.value = chosen
  write('locale', chosen)
}

/** Has them take effect, now and whenever they change. */
export const applyPreferences = (): void => {
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value
  })
  effect(() => void speak(wantedLocale.value ?? ofBrowser()))
}
