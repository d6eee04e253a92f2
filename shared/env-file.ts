import { existsSync } from 'node:fs';

/** Loaded before a main file (`node --import`): takes what the environment does not set from `.env`, if there is one. */
if (existsSync('.env')) process.loadEnvFile('.env');
