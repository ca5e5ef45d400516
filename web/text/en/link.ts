// English: the key on another browser, handed over by this one.
export const link = {
  title: 'Another browser of mine',
  offer:
    'Another browser that is signed in to your account and has no key yet can be given yours: choose there to have it from another browser.',
  look: 'Look who asks',
  nobody: 'No browser asks just now. This list is looked at again each second.',
  asks: 'These ask for your key:',
  from: (browser: string, address: string) => `${browser}, from ${address}`,
  mine: 'It is mine',
  notMine: 'It is not mine',
  type: 'Type the six digits that it shows. Give no key to a browser that is not before your own eyes.',
  digits: 'The digits of the other browser',
  wrongDigits: 'These are not its digits: look again.',
  handOver: 'Hand the key over',
  stop: 'Stop',
  going: 'The other browser fetches it …',
  done: (agent: string) => `It has the key of ${agent}. See that it says so itself, and go on there.`,
  fromOther: 'Have it from another browser',
  waiting:
    'Open the settings of the console on a browser that has your key, choose “Look who asks” there, and say that this one is yours. It takes ten minutes at most.',
  show: 'Type these digits on the other browser:',
  got: (agent: string) => `The key of ${agent} came. Does the other browser say that it handed over this one?`,
  take: 'Yes, come in with it',
  drop: 'No, throw it away',
  over: 'The other browser gave it up, or it took longer than ten minutes. Nothing was handed over: ask again.',
  between:
    'The two browsers do not see the same. Somebody may be in between: nothing was handed over. Ask again, and if it happens again, tell whoever runs this relay.',
  wrongKey: 'What came is another key than it was called. It was thrown away.',
  noKey: 'Your vault holds no key that this passkey or a recovery code opens.',
}
