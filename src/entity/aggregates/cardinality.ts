/** 1 / (2 ln 2). */
const alpha = 0.7213475204444817;

/**
 * How many distinct hashes the registers of a HyperLogLog have seen. (Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog", 2007; this is
 * the improved raw estimator of Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6, which
 * needs no table, and counts linearly while most registers are empty.)
 * @param counts how many registers have each rank, from 0 to the highest.
 */
export function cardinality(counts: ArrayLike<number>, registers: number): number {
  const highest = counts.length - 1;
  let sum = registers * tau(1 - counts[highest]! / registers);
  for (let rank = highest - 1; rank > 0; rank--) sum = (sum + counts[rank]!) / 2;
  sum += registers * sigma(counts[0]! / registers);
  return (alpha * registers * registers) / sum;
}

function sigma(share: number): number {
  if (share === 1) return Infinity;
  let x = share;
  let y = 1;
  let sum = x;
  for (let before = -1; sum !== before;) {
    before = sum;
    x *= x;
    sum += x * y;
    y += y;
  }
  return sum;
}

function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let x = share;
  let y = 1;
  let sum = 1 - x;
  for (let before = -1; sum !== before;) {
    before = sum;
    x = Math.sqrt(x);
    y /= 2;
    sum -= (1 - x) * (1 - x) * y;
  }
  return sum / 3;
}
