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
  shortcuts: 'Tastenkürzel',
}
