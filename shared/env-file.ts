import { existsSync } from 'node:fs';

/** Runs before a main file (`node --import`). Loads `.env`, if it exists. Variables that are already set stay. */
if (existsSync('.env')) process.loadEnvFile('.env');
