// The logger that the roles share: an import path for this package.
export type { Logger } from '@opencpns/io'
