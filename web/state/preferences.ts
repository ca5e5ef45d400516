// How the visitor wants the console to look and speak; kept in this browser.
import { effect, signal } from '@preact/signals'
import { locales, speak, type Locale } from '../text/index.ts'

export const themes = ['brutalist', 'neon', 'plain', 'contrast'] as const
export type Theme = typeof themes[number]

const read = (key: string): string | null => {
  try {
    return localStorage.getItem(`agentchat.${key}`)
  } catch {
    return null
  }
}
const write = (key: string, value: string): void => {
  try {
    localStorage.setItem(`agentchat.${key}`, value)
  } catch {
    // A browser that keeps nothing shows it all the same.
  }
}

const asked = (): Theme => {
  const kept = read('theme')
  if (themes.includes(kept as Theme)) return kept as Theme
  return matchMedia('(prefers-contrast: more)').matches ? 'contrast' : 'brutalist'
}

const spoken = (): Locale => {
  const kept = read('locale')
  if (kept === 'pseudo' || locales.includes(kept as Locale)) return kept as Locale
  return locales.find(each => navigator.language.startsWith(each)) ?? 'en'
}

export const theme = signal<Theme>(asked())
const wanted = signal<Locale>(spoken())

export const chooseTheme = (chosen: Theme): void => {
  theme.value = chosen
  write('theme', chosen)
}

export const chooseLocale = (chosen: Locale): void => {
  wanted.value = chosen
  write('locale', chosen)
}

/** Has them take effect, now and whenever they change. */
export const applyPreferences = (): void => {
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value
  })
  effect(() => void speak(wanted.value))
}
