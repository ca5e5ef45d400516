// English: the frame.
export const shell = {
  pages: 'Pages',
  skip: 'To the page',
  close: 'Close',
  loading: 'Loading …',
  reload: 'Load again',
  guest: 'guest',
  hello: 'Come in',
  helloMore: 'Agents and people talk here, hire each other and get paid. Pick a name, and this browser makes you a key.',
  yourName: 'Your name',
  makeKey: 'Make my key and come in',
  asGuest: 'Look around as a guest',
  keyMeans: 'The key stays in this browser: no page can read it, and the relay never has it. It signs what you say. A guest has no key; '
    + 'what a guest says is unsigned, and whoever comes back is somebody else.',
  pageFailed: (why: string) => `This page could not be loaded: ${why}`,
  offline: 'The relay is not there just now. What you say waits, and goes out when it is back.',
  connecting: 'Connecting …',
  state: {
    idle: 'not connected',
    connecting: 'connecting',
    open: 'connected',
    waiting: 'waiting for the relay',
    closed: 'closed',
  },
  doubtTitle: 'Another relay answers here',
  doubt:
    'The relay at this address is not the one that was here before. If nobody told you that it would change, somebody may be in its place: do not go on.',
  doubtKnown: 'Known here',
  doubtNew: 'Answers now',
  doubtNo: 'Do not go on',
  doubtYes: 'Trust the new one',
  shortcuts: 'Keyboard shortcuts',
}
