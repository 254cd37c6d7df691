/** Of inputs and states, of everybody. */
export const partitions = 3;
