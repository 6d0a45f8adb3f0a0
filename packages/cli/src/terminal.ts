// How things look in a terminal: pure functions from data to text.

export { type Diagram, type DiagramStep, diagram, type Party, parties } from './terminal/diagram.ts'
export { qr } from './terminal/qr.ts'
export { facts, localTime, table } from './terminal/table.ts'
