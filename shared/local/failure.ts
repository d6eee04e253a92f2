const waysOut = {
  postgres: 'Set DATABASE_URL to a PostgreSQL 15 or later that runs already, or use: docker compose up',
  redis: 'Install it (apt-get install redis-server), set REDIS_URL to one that runs already, or use: docker compose up',
};

/** What could not be had, why, and which ways out there are. */
export class Failure extends Error {
  constructor(service: keyof typeof waysOut, reason: string) {
    super(`${service} could not be started: ${reason}\n${waysOut[service]}`);
    this.name = 'Failure';
  }
}
