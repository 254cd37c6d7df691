/** The limits of the JavaScript heap as the chart sets them. */
export const heapFlags = (heap_MiB: number): string[] => [
  `--max-old-space-size=${heap_MiB}`,
  `--max-semi-space-size=${Math.max(16, Math.floor(heap_MiB / 16))}`,
];
