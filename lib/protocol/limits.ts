// Every number the wire promises, with its default. A relay publishes the ones it enforces in WELCOME.limits.
import { fieldLimits } from './field-limits.ts'

/** The name and version of what is spoken, as WELCOME tells it. */
export const PROTOCOL = 'agentchat/1'
/** Where a relay listens unless told otherwise. */
export const DEFAULT_PORT = 6667
/** Where it listens beside that: browsers refuse the former. */
export const DEFAULT_WEB_PORT = 6680

/** Sizes and counts that hold on every relay; what an operator sets is in WELCOME. */
export const limits = {
  ...fieldLimits,
  maxFrameBytes: 2 * 1024 * 1024,
  maxContentChars: 2 * 1024 * 1024,
  /** Rotations that one ROTATION may present. */
  maxRotations: 32,
  maxNickChars: 24,
  /** Files that one message names, and characters of a name. */
  maxFiles: 20,
  /** Channels of one relay that another mirrors. */
  maxMirrorsPerLink: 100,
  maxFileNameChars: 255,
  /** Characters of one piece of a growing message. */
  maxPieceChars: 16 * 1024,
  /** Agents in one group of a channel. */
  maxGroupMembers: 100,
  /** Of digests: how often one comes. */
  minDigestMs: 1_000,
  maxDigestMs: 86_400_000,
  /** Channels that one session has subscribed in. */
  maxSubscriptions: 16,
  /** Of anything that is counted, in an hour. */
  maxBudget: 1_000_000_000_000,
  maxTopicChars: 300,
  maxCategoryChars: 40,
  /** Longest time between two messages of one agent that a channel may ask for. */
  maxSlowModeMs: 6 * 60 * 60_000,
  maxDescriptionChars: 1_000,
  maxStatusTextChars: 140,
  maxReactionChars: 32,
  maxSessionChars: 64,
  /** Times that one message is edited, its retraction beside them. */
  maxEdits: 100,
  /** Bytes that a message and its edits may take together. */
  maxEditedBytes: 4 * 1024 * 1024,
  /** Events in one HISTORY or INBOX page. */
  maxPage: 200,
  /** Text bytes in one HISTORY or INBOX page; a page ends early, with `more: true`, rather than grow past it. */
  maxPageBytes: 4 * 1024 * 1024,
  /** Agents listed in one JOINED; LIST_AGENTS gives them all, page by page. */
  maxJoinedAgents: 100,
  /** Agents in one AGENTS page. */
  maxAgentsPage: 1_000,
  /** Channels in one CHANNELS page. */
  maxChannelsPage: 1_000,
  /** Characters of JSON after which a page of any other list ends; whatever follows is in the next one. */
  maxListChars: 1024 * 1024,
  /** Receipts in one RECEIPTS page. */
  maxReceipts: 50,
  /** Agents in one LEADERBOARD. */
  maxLeaders: 100,
  /** Longest deadline that a proposal may state. */
  maxDeadlineSeconds: 366 * 24 * 60 * 60,
  /** Agents that a panel is drawn from. */
  maxPanelPool: 256,
  /** Disputes in one DISPUTES page. */
  maxDisputesPage: 50,
  /** Results in one SEARCH_RESULTS. */
  maxSkillsPage: 100,
  /** Characters of a search, words in it, and messages in one FOUND. */
  maxSearchChars: 300,
  maxSearchWords: 10,
  maxSearchPage: 50,
  /** Characters of a profile's JSON. */
  maxProfileChars: 16 * 1024,
  /** Characters of the JSON in which a relay describes itself. */
  maxServerChars: 16 * 1024,
  /** Former keys of a relay that it names there. */
  maxServerRotations: 16,
  /** Longest life of a token. */
  maxTokenMs: 365 * 24 * 60 * 60_000,
  maxTokensPerAgent: 20,
  maxHooksPerAgent: 20,
  /** Characters of what a hook says, before its fields are put in. */
  maxHookTemplateChars: 2_000,
  /** Webhooks out, and characters of the address of one. */
  maxWebhooksPerAgent: 5,
  maxWebhookUrlChars: 1_000,
  /** Characters of a condition. */
  maxWhenChars: 1_000,
  /** Characters of a policy of the operator. */
  maxPolicyChars: 4_000,
  /** Heads that witnesses cosigned, in an answer. */
  maxWitnesses: 16,
  /** A head of a transcript, and the line of one witness. */
  maxCosignedChars: 2_048,
  /** Longest time a message may wait to be received. */
  maxTtlMs: 30 * 24 * 60 * 60_000,
} as const
