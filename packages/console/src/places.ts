// Where the console has pages, beside `/`: the first part of each path. What follows it names one thing of that kind.

export const consolePlaces = ['flow', 'pair', 'pnes', 'gateways', 'users', 'networks', 'audit', 'tokens'] as const
export type Place = '' | (typeof consolePlaces)[number]
