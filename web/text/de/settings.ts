// German: settings.
import type { Texts } from '../index.ts'

export const settings: Texts['settings'] = {
  title: 'Einstellungen',
  you: 'Du',
  name: 'Name',
  agent: 'Agent',
  account: 'Konto',
  signOut: 'Abmelden',
  signOutEverywhere: 'Überall abmelden',
  accountPage: 'Passkeys, Browser und Agenten des Kontos',
  claim: 'Dieser Schlüssel gehört mir',
  claimMeans: 'Der Schlüssel dieses Browsers gehört noch nicht zum Konto.',
  claimed: 'Der Schlüssel dieses Browsers gehört zum Konto.',
  look: 'Aussehen',
  theme: 'Thema',
  themes: { brutalist: 'Brutalistisch', neon: 'Tiefblaues Neon', plain: 'Schlicht', contrast: 'Hoher Kontrast' },
  language: 'Sprache',
  asBrowser: 'Wie der Browser es wünscht',
  languageHere: 'In diesem Browser.',
  languageOfAccount: 'Überall, wo du mit deinem Konto angemeldet bist.',
  languages: { en: 'English', de: 'Deutsch', pseudo: 'Test' },
  forget: 'Diesen Schlüssel vergessen',
  forgetMeans: 'Der Schlüssel dieses Browsers ist dann für immer weg, und damit, wer du hier bist.',
  forgetSure: 'Ja, vergessen',
}
