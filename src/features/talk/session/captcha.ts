// A question that a script solves: it keeps out what does not read, nothing more. Existing clients answer this form by themselves.

/** An addition of two small numbers, chosen by four hex digits of randomness. */
export const captchaQuestion = (hex: string): string => {
  const seed = Number.parseInt(hex, 16)
  return `What is ${1 + seed % 16} + ${1 + (seed >> 4) % 16}?`
}

export const captchaAnswer = (question: string): string => {
  const [a = 0, b = 0] = (question.match(/\d+/g) ?? []).map(Number)
  return String(a + b)
}
