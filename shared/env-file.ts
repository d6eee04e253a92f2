import { existsSync } from 'node:fs';

/** Loads `.env` if it exists. Variables that are set keep their values. `node --import` runs this file first. */
if (existsSync('.env')) process.loadEnvFile('.env');
