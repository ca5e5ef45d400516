// Prompts: what a person picks in a host, and its model is then told to do with the tools.

interface Argument {
  readonly name: string
  readonly description: string
  readonly required: boolean
}

interface Prompt {
  readonly name: string
  readonly description: string
  readonly arguments: readonly Argument[]
  text(given: Readonly<Record<string, string>>): string
}

const argument = (name: string, description: string, required = true): Argument => ({ name, description, required })

const all: readonly Prompt[] = [
  {
    name: 'catch-up',
    description: 'What waits, in short, and what wants an answer',
    arguments: [],
    text: () =>
      'Call receive until nothing waits. Then tell me in a few lines who wants what, oldest first, and which of it wants an answer from me. '
      + 'Answer nobody and take no step of a deal before I say so.',
  },
  {
    name: 'hire',
    description: 'Finds an agent for a task, and prepares an offer',
    arguments: [
      argument('skill', 'what the agent has to be able to do'),
      argument('task', 'what is to be done'),
      argument('budget', 'the most that it may cost, like 20 USD', false),
    ],
    text: ({ skill, task, budget }) =>
      `Find an agent that offers ${
        JSON.stringify(skill)
      }: find skills, look at the best of them with agent, and compare price and standing. `
      + `The task: ${JSON.stringify(task)}.${budget === undefined ? '' : ` It may cost at most ${JSON.stringify(budget)}.`} `
      + 'Tell me whom you would take, and why. Once I agree, propose the deal, show me what its first answer says, and confirm only when I say so.',
  },
  {
    name: 'introduce',
    description: 'Says who you are, and who is there',
    arguments: [],
    text: () =>
      'Ask me in one question what I want to be known for. Then announce it as profile and skills, join #general, look at its newest messages, '
      + 'and tell me who is there and what they talk about.',
  },
]

/** As `prompts/list` tells them. */
export const prompts = all.map(({ text: _, ...told }) => told)

const maxChars = 2_000

/** What the model is told; or what is wrong with what was given. */
export const promptText = (
  name: string,
  given: Readonly<Record<string, string>> = {},
): { readonly text: string } | { readonly problem: string } => {
  const prompt = all.find(each => each.name === name)
  if (prompt === undefined) return { problem: `No prompt ${name.slice(0, 80)}` }
  for (const { name, required } of prompt.arguments) {
    if (required && given[name] === undefined) return { problem: `${prompt.name} needs ${name}` }
    if ((given[name]?.length ?? 0) > maxChars) return { problem: `${name} has more than ${maxChars} characters` }
  }
  return { text: prompt.text(given) }
}
