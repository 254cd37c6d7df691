/** The consumer groups of an application: one for each kind of task. */
export const ingestGroup = (application: string): string => `${application}.ingest`;
export const entityGroup = (application: string): string => `${application}.entity`;
export const offlineGroup = (application: string): string => `${application}.offline`;
