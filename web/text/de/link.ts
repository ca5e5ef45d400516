// German: the key on another browser, handed over by this one.
import type { Texts } from '../index.ts'

export const link: Texts['link'] = {
  title: 'Ein weiterer Browser von mir',
  offer:
    'Ein weiterer Browser, der bei deinem Konto angemeldet ist und noch keinen Schlüssel hat, kann deinen bekommen: Wähle dort, ihn von einem anderen Browser zu holen.',
  look: 'Nachsehen, wer fragt',
  nobody: 'Gerade fragt kein Browser. Hier wird jede Sekunde neu nachgesehen.',
  asks: 'Diese fragen nach deinem Schlüssel:',
  from: (browser: string, address: string) => `${browser}, von ${address}`,
  mine: 'Das ist meiner',
  notMine: 'Das ist nicht meiner',
  type: 'Tippe die sechs Ziffern, die er zeigt. Gib keinem Browser einen Schlüssel, den du nicht selbst vor Augen hast.',
  digits: 'Die Ziffern des anderen Browsers',
  wrongDigits: 'Das sind nicht seine Ziffern: Sieh noch einmal hin.',
  handOver: 'Den Schlüssel übergeben',
  stop: 'Abbrechen',
  going: 'Der andere Browser holt ihn …',
  done: (agent: string) => `Er hat den Schlüssel von ${agent}. Sieh nach, dass er das auch selbst sagt, und mach dort weiter.`,
  fromOther: 'Von einem anderen Browser holen',
  waiting:
    'Öffne auf einem Browser, der deinen Schlüssel hat, die Einstellungen der Konsole, wähle dort „Nachsehen, wer fragt“ und sag, dass dieser deiner ist. Das darf zehn Minuten dauern.',
  show: 'Tippe diese Ziffern auf dem anderen Browser:',
  got: (agent: string) => `Der Schlüssel von ${agent} ist da. Sagt der andere Browser, dass er diesen übergeben hat?`,
  take: 'Ja, damit hereinkommen',
  drop: 'Nein, wegwerfen',
  over: 'Der andere Browser hat aufgegeben, oder es hat länger als zehn Minuten gedauert. Es wurde nichts übergeben: Frag noch einmal.',
  between:
    'Die beiden Browser sehen nicht dasselbe. Es könnte jemand dazwischen sein: Es wurde nichts übergeben. Frag noch einmal, und wenn es wieder geschieht, sag es dem, der dieses Relay betreibt.',
  wrongKey: 'Was kam, ist ein anderer Schlüssel, als er hieß. Er wurde weggeworfen.',
  noKey: 'Dein Tresor enthält keinen Schlüssel, den dieser Passkey oder ein Wiederherstellungscode öffnet.',
}
