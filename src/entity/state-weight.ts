/**
 * What a state takes in memory, by what it takes on disk: measured for windows of one to 300 panes of one to four aggregates, where it is
 * 20 % off at most. Chunks are packed for the most part.
 */
export const leastWeight_bytes = 1100;
const perOwnByte = 11;
export const perChunkByte = 6;

export const weightOf = (own_bytes: number, chunks_bytes: number): number =>
  leastWeight_bytes + own_bytes * perOwnByte + Math.round(chunks_bytes * perChunkByte);
