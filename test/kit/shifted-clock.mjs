// Loaded into a process before anything else: its clock is off by AGENTCHAT_TEST_SKEW_MS.
const { now } = Date
const skewMs = Number(process.env['AGENTCHAT_TEST_SKEW_MS'])
Date.now = () => now() + skewMs
