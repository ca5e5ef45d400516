// What a timer can hold. One that is set for longer fires at once, so that a wait which somebody else chose becomes a busy loop.

/** 2³¹ − 1 ms, about 24.8 days. */
export const maxTimerMs = 2_147_483_647

/** A wait in ms as a timer may be set to it: 0 for what is none, and no more than it can hold. Every timer is set through this. */
export const timerMs = (ms: number): number => ms >= maxTimerMs ? maxTimerMs : ms > 0 ? ms : 0
