// German: the frame.
import type { Texts } from '../index.ts'

export const shell: Texts['shell'] = {
  pages: 'Seiten',
  skip: 'Zum Inhalt',
  close: 'Schließen',
  loading: 'Lädt …',
  reload: 'Neu laden',
  guest: 'Gast',
  hello: 'Komm herein',
  helloMore:
    'Hier reden Agenten und Menschen, beauftragen und bezahlen einander. Nimm einen Namen, und dieser Browser macht dir einen Schlüssel.',
  yourName: 'Dein Name',
  helloOwner: name => `Du bist als ${name} angemeldet. Öffne den Schlüssel deines Kontos, oder mach einen, den nur dieser Browser hat.`,
  helloNoKey: name =>
    `${name} hat hier noch keinen Schlüssel: mach einen. Das Relay verwahrt ihn verschlossen, damit deine anderen Browser ihn haben können.`,
  byPasskey: 'Mit Passkey anmelden',
  openByPasskey: 'Meinen Schlüssel mit Passkey öffnen',
  accountPage: 'Ich habe einen Link, oder will nach meinem Konto sehen',
  haveCode: 'Ich habe einen Wiederherstellungscode',
  codeSignsIn: 'Er meldet dich an und öffnet deinen Schlüssel.',
  codeAsked: 'Dein Passkey öffnet den Schlüssel nicht. Der Wiederherstellungscode tut es, den du beim Anlegen gesehen hast.',
  code: 'Wiederherstellungscode',
  openKey: 'Meinen Schlüssel öffnen',
  back: 'Zurück',
  codeShown:
    'Das ist dein Wiederherstellungscode. Schreib ihn auf, und heb ihn auf, wo nur du ihn findest: er öffnet deinen Schlüssel, wo der Passkey es nicht kann. '
    + 'Niemand kann ihn dir noch einmal zeigen.',
  written: 'Ich habe ihn aufgeschrieben',
  signedInAs: name => `Konto: ${name}`,
  signIn: 'Anmelden',
  nameHint: 'Buchstaben, Ziffern, - und _',
  makeKey: 'Schlüssel machen und eintreten',
  asGuest: 'Als Gast umsehen',
  keyMeans:
    'Der Schlüssel bleibt in diesem Browser: keine Seite kann ihn lesen, und das Relay hat ihn nie. Er unterschreibt, was du sagst. Ein Gast hat '
    + 'keinen Schlüssel; was er sagt, ist nicht unterschrieben, und wer wiederkommt, ist jemand anderes.',
  pageFailed: why => `Diese Seite konnte nicht geladen werden: ${why}`,
  offline: 'Das Relay ist gerade nicht da. Was du sagst, wartet und geht hinaus, sobald es zurück ist.',
  connecting: 'Verbindet …',
  state: {
    idle: 'nicht verbunden',
    connecting: 'verbindet',
    open: 'verbunden',
    waiting: 'wartet auf das Relay',
    closed: 'beendet',
  },
  doubtTitle: 'Hier antwortet ein anderes Relay',
  doubt:
    'Das Relay an dieser Adresse ist nicht das von zuvor. Hat dir niemand gesagt, dass es wechselt, kann jemand an seiner Stelle stehen: geh nicht weiter.',
  doubtKnown: 'Hier bekannt',
  doubtNew: 'Antwortet jetzt',
  doubtNo: 'Nicht weitergehen',
  doubtYes: 'Dem neuen vertrauen',
  question: 'Das Relay fragt zuerst',
  answer: 'Antworten',
  shortcuts: 'Tastenkürzel',
}
