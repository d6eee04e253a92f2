/**
 * @param metricsUrl of one gateway (`Cluster.metricsUrls`)
 * @returns the statements that this gateway has sent to Postgres
 */
export async function countStatements(metricsUrl: string): Promise<number> {
  const metrics = await (await fetch(metricsUrl)).text();
  return Number(/^rooms_statements_total (\d+)$/m.exec(metrics)?.[1]);
}
