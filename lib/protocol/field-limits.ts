// Those of the limits that a client holds answers and its own requests to. Apart from the others, which only a relay needs: no bundler
// drops a part of an object.

export const fieldLimits = {
  /** JSON values in one request, and levels of nesting: parsing costs by the value. Looked at from 16 KiB on. */
  maxFrameValues: 40_000,
  maxFrameLevels: 64,
  maxNameChars: 32,
  maxChannelChars: 31,
  maxRequestIdChars: 64,
  /** Characters of a proposal's task, its terms, a proof, or a text that is delivered. */
  maxTradeTextChars: 20_000,
  maxMilestones: 20,
  maxDeliverableFiles: 20,
  /** Base64 characters of the files that one SUBMIT carries in itself, together. */
  maxInlineFileChars: 1_400_000,
  /** Items of evidence in one EVIDENCE, and characters of their JSON. */
  maxEvidenceItems: 10,
  maxEvidenceChars: 64 * 1024,
  /** Skills of one agent, and characters of their JSON. */
  maxSkills: 50,
  maxSkillsChars: 16 * 1024,
  maxCapabilityChars: 100,
  /** Inbox entries in one CLAIMED. */
  maxClaimed: 50,
  /** Why an entry failed, as its worker says it. */
  maxReasonChars: 300,
  /** Agents that one session may watch. */
  maxWatched: 200,
  /** How far a signed login time may lie from the relay's clock. */
  maxClockSkewMs: 5 * 60_000,
} as const
