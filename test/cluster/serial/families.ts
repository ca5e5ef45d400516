// All families; here, what is asked of channels, talk, deals and money.
import { isEnding } from '../../../src/store/endings.ts'
import { both, codeOf, deeds, events, other, rows, type Family } from './family.ts'
import { court } from './court.ts'
import { logins } from './logins.ts'
import { ratings } from './ratings.ts'
import type { Party, Says, Scene } from './scene.ts'

const room = async (scene: Scene): Promise<object> => {
  // What is left of a channel that was deleted is cleared away.
  for (let tries = 0; await isEnding(scene.relay.store.read, scene.room) && tries < 500; tries++)
    await new Promise(resolve => setTimeout(resolve, 10))
  const { room: name } = scene
  const ours = `channel = '${name}'`
  return {
    channels: await rows(scene, 'channels', 'owner, topic, topic_by, archived, category, post_by, private', `name = '${name}'`),
    members: await rows(scene, 'memberships', 'agent', ours),
    invitations: await rows(scene, 'invitations', 'agent', ours),
    groups: await rows(scene, 'channel_groups', 'name, agent', ours),
    isEnding: await isEnding(scene.relay.store.read, name),
    events: await events(scene, name),
  }
}

const made = (more: object = {}) => async (scene: Scene): Promise<void> => {
  await scene.ask('ann', { type: 'CREATE_CHANNEL', channel: scene.room, ...more }, 'JOINED')
}
const joined = (more: object = {}) => async (scene: Scene): Promise<void> => {
  await made(more)(scene)
  await scene.ask('bob', { type: 'JOIN', channel: scene.room }, 'JOINED', 1)
}

const channels: Family = {
  name: 'channels',
  before: {
    'nothing': () => Promise.resolve(),
    'a channel of ann': made(),
    'a channel with both': joined(),
    'a private channel': made({ invite_only: true }),
    'a private channel, and bob invited': async scene => {
      await made({ invite_only: true })(scene)
      await scene.ask('ann', { type: 'INVITE', channel: scene.room, agent: scene.id('bob') }, 'OK')
    },
    "a channel whose topic is the owner's": joined({ topic_by: 'owner' }),
  },
  deeds: [
    ...both({
      'makes it': (_, { room: channel }) => ({ type: 'CREATE_CHANNEL', channel }),
      'joins': (_, { room: channel }) => ({ type: 'JOIN', channel, limit: 0 }),
      'leaves': (_, { room: channel }) => ({ type: 'LEAVE', channel }),
      'sets the topic': (who, { room: channel }) => ({ type: 'SET_TOPIC', channel, topic: `topic of ${who}` }),
      'speaks': (who, { room: to }) => ({ type: 'MSG', to, content: `from ${who}` }),
      'sets a group': (who, scene) => ({ type: 'SET_GROUP', channel: scene.room, group: 'those', members: [scene.id(who)] }),
    }),
    ...deeds('ann', {
      'deletes it': ({ room: channel }) => ({ type: 'DELETE_CHANNEL', channel }),
      'archives it': ({ room: channel }) => ({ type: 'SET_CHANNEL', channel, archived: true }),
      'sorts it': ({ room: channel }) => ({ type: 'SET_CHANNEL', channel, category: 'plans' }),
      'gives it away': scene => ({ type: 'SET_CHANNEL', channel: scene.room, owner: scene.id('bob') }),
      'keeps speaking to herself': ({ room: channel }) => ({ type: 'SET_CHANNEL', channel, post_by: 'owner' }),
      'invites': scene => ({ type: 'INVITE', channel: scene.room, agent: scene.id('bob') }),
      'takes the invitation back': scene => ({ type: 'UNINVITE', channel: scene.room, agent: scene.id('bob') }),
      'puts bob out': scene => ({ type: 'REMOVE_MEMBER', channel: scene.room, agent: scene.id('bob') }),
    }),
  ],
  answered: codeOf,
  stored: room,
}

const said = async (scene: Scene): Promise<void> => {
  await joined()(scene)
  for (const who of ['ann', 'bob'] as const)
    scene.kept[`said by ${who}`] = (await scene.ask(who, { type: 'MSG', to: scene.room, content: `said by ${who}` }, 'ACK')).msg_id
}
const saidBy = (who: Party, { kept }: Scene): string => kept[`said by ${who}`]!

const talk: Family = {
  name: 'talk',
  before: {
    'two messages': said,
    'two messages, one of them edited': async scene => {
      await said(scene)
      await scene.ask('ann', { type: 'EDIT', msg_id: saidBy('ann', scene), content: 'edited before' }, 'ACK')
    },
    'two messages, one of them pinned and marked': async scene => {
      await said(scene)
      await scene.ask('bob', { type: 'PIN', channel: scene.room, msg_id: saidBy('ann', scene) }, 'PINNED')
      await scene.ask('bob', { type: 'REACT', msg_id: saidBy('ann', scene), kind: '+1' }, 'REACTED')
    },
  },
  deeds: both({
    'says something under an id': (_, { room: to }) => ({ type: 'MSG', to, content: 'once', id: `once-${to}` }),
    'says something else under that id': (_, { room: to }) => ({ type: 'MSG', to, content: 'twice', id: `once-${to}` }),
    'edits': (who, scene) => ({ type: 'EDIT', msg_id: saidBy(who, scene), content: `edited by ${who}` }),
    'edits to something else': (who, scene) => ({ type: 'EDIT', msg_id: saidBy(who, scene), content: 'something else' }),
    'retracts': (who, scene) => ({ type: 'RETRACT', msg_id: saidBy(who, scene) }),
    'marks it': (_, scene) => ({ type: 'REACT', msg_id: saidBy('ann', scene), kind: '+1' }),
    'takes the mark off': (_, scene) => ({ type: 'UNREACT', msg_id: saidBy('ann', scene), kind: '+1' }),
    'has all erased that it said': () => ({ type: 'ERASE' }),
    'pins it': (_, scene) => ({ type: 'PIN', channel: scene.room, msg_id: saidBy('ann', scene) }),
    'unpins it': (_, scene) => ({ type: 'UNPIN', channel: scene.room, msg_id: saidBy('ann', scene) }),
    'has its floor': (_, scene) => ({ type: 'CLAIM_FLOOR', channel: scene.room, msg_id: saidBy('ann', scene), hold_ms: 60_000 }),
  }),
  answered: answer => ({
    ...codeOf(answer),
    ...(answer.type === 'ACK' && { duplicate: answer.duplicate }),
    ...(answer.type === 'FLOOR' && { state: answer.state, holder: answer.holder }),
  }),
  stored: async scene => {
    const of = `stream IN (SELECT id FROM streams WHERE name = '${scene.room}')`
    return {
      events: await events(scene, scene.room),
      pins: await rows(scene, 'pins', 'msg_id, by', of),
      reactions: await rows(scene, 'reactions', 'seq, sign, agent', of),
      sums: await rows(scene, 'reacted', 'seq, sums', of),
      floors: await rows(scene, 'floors', 'msg_id, agent', of),
    }
  },
}

const currencyRows = async (scene: Scene): Promise<object> => {
  const ours = `currency = '${scene.currency}'`
  return {
    accounts: await rows(scene, 'accounts', 'account, balance', ours),
    entries: await rows(scene, 'ledger_entries', 'kind, account, amount', ours),
  }
}

const offer = (scene: Scene) => ({
  task: 'x',
  amount: 10,
  currency: scene.currency,
  milestones: [{ title: 'a', amount: 4 }, { title: 'b', amount: 6 }],
})

type Step = readonly [Party, Parameters<Scene['sign']>[1]]
const fieldsOf = (who: Party, action: Step[1], scene: Scene) => ({
  proposal_id: scene.kept['deal'],
  ...(action === 'COUNTER' && { to: scene.id(other(who)), ...offer(scene), task: 'y' }),
  ...(action === 'SUBMIT' && { text: 'done' }),
  ...((action === 'REVISE' || action === 'DISPUTE') && { reason: 'why' }),
})
const dealt = (...steps: readonly Step[]) => async (scene: Scene): Promise<void> => {
  await scene.credit('ann', 1_500)
  const { proposal } = await scene.ask('ann', scene.sign('ann', 'PROPOSAL', { to: scene.id('bob'), ...offer(scene) }), 'PROPOSAL_STATE')
  scene.kept['deal'] = proposal.proposal_id
  for (const [who, action] of steps) await scene.ask(who, scene.sign(who, action, fieldsOf(who, action, scene)), 'PROPOSAL_STATE')
}
const step = (action: Step[1]) => (who: Party, scene: Scene) => scene.sign(who, action, fieldsOf(who, action, scene))

const deals: Family = {
  name: 'deals',
  before: {
    'an offer': dealt(),
    'a deal': dealt(['bob', 'ACCEPT']),
    'a deal that is paid for': dealt(['bob', 'ACCEPT'], ['ann', 'FUND']),
    'a deal that is delivered': dealt(['bob', 'ACCEPT'], ['ann', 'FUND'], ['bob', 'SUBMIT']),
    'a deal with a dispute': dealt(['bob', 'ACCEPT'], ['ann', 'FUND'], ['bob', 'SUBMIT'], ['bob', 'DISPUTE']),
  },
  deeds: [
    ...both(
      Object.fromEntries(
        (['ACCEPT', 'REJECT', 'CANCEL', 'COUNTER', 'SUBMIT', 'REVISE', 'RELEASE', 'COMPLETE', 'DISPUTE'] as const)
          .map(action => [action.toLowerCase(), step(action)]),
      ),
    ),
    ...deeds('ann', {
      'fund': scene => step('FUND')('ann', scene),
      'spends what it takes': scene => scene.sign('ann', 'TRANSFER', { to: scene.id('bob'), currency: scene.currency, amount_minor: 900 }),
    }),
  ],
  answered: answer => ({
    ...codeOf(answer),
    ...(answer.type === 'PROPOSAL_STATE' && {
      status: answer.proposal.status,
      captured: answer.proposal.captured_minor,
      held: answer.proposal.held_minor,
      returned: answer.proposal.returned_minor,
    }),
  }),
  stored: async scene => ({
    ...await currencyRows(scene),
    proposals: await rows(scene, 'proposals', 'state', `id = '${scene.kept['deal']}'`),
    events: (await events(scene, `!${scene.kept['deal']}`)).map(event => (event as { readonly type: unknown }).type),
  }),
}

const pays = (who: Party, amount_minor: number): Says => scene =>
  scene.sign(who, 'TRANSFER', { to: scene.id(other(who)), currency: scene.currency, amount_minor })

const money: Family = {
  name: 'money',
  before: {
    'a hundred of ann': scene => scene.credit('ann', 100),
    'a hundred of each': async scene => {
      await scene.credit('ann', 100)
      await scene.credit('bob', 100)
    },
  },
  deeds: [
    ...both(
      Object.fromEntries(
        [60, 70, 100, 150].map(amount => [`pays ${amount}`, (who: Party, scene: Scene) => pays(who, amount)(scene)]),
      ),
    ),
    ...deeds('ann', {
      'pays 30 by an order that there is once': scene => scene.once('order', () => pays('ann', 30)(scene)),
      'is credited under a key': scene => ({
        type: 'ADMIN_CREDIT',
        admin_key: 'correct horse battery',
        agent_id: scene.id('ann'),
        currency: scene.currency,
        amount_minor: 25,
        note: 'again',
        key: `key ${scene.room}`,
      }),
    }),
  ],
  answered: answer => ({ ...codeOf(answer), ...(answer.type === 'ADMIN_RESULT' && { success: answer.success }) }),
  stored: currencyRows,
}

export const families: readonly Family[] = [channels, talk, deals, money, ratings, court, logins]
