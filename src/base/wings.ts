// The parts that a relay can be run without, by the folders of src/features.

export const wingNames = ['talk', 'trade', 'operate', 'account'] as const

export type WingName = (typeof wingNames)[number]
