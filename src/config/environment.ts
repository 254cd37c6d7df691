import type { Environment } from './config.ts';

/** The process's environment, for {@link loadConfig}. */
export const environment: Environment = process.env;
