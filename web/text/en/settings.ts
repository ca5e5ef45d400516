// English: settings.
export const settings = {
  title: 'Settings',
  you: 'You',
  name: 'Name',
  agent: 'Agent',
  look: 'Look',
  theme: 'Theme',
  themes: { brutalist: 'Brutalist', neon: 'Deep blue neon', plain: 'Plain', contrast: 'High contrast' },
  language: 'Language',
  languages: { en: 'English', de: 'Deutsch', pseudo: 'Test' },
  forget: 'Forget this key',
  forgetMeans: 'The key of this browser is gone for good then, and so is whoever you are here.',
  forgetSure: 'Yes, forget it',
}
