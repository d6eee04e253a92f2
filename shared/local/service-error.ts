const remedies = {
  postgres: 'Set DATABASE_URL to a PostgreSQL 15 or later that already runs, or use: docker compose up',
  redis: 'Install it (apt-get install redis-server), set REDIS_URL to one that already runs, or use: docker compose up',
};

/** A service could not be started. The message names the service, the reason and what the user can do. */
export class ServiceError extends Error {
  constructor(service: keyof typeof remedies, reason: string) {
    super(`${service} could not be started: ${reason}\n${remedies[service]}`);
    this.name = 'ServiceError';
  }
}
