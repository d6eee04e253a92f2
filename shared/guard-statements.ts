import type { GatedStatement, StatementGate } from './statement-gate.ts';

/** The parts of a statement that the guard uses. The driver's types do not show them. */
interface DriverQuery extends GatedStatement {
  resolve(result: DriverResult): void;
}
/** As a template tag, it makes a statement, or a part of a larger statement. */
interface DriverPool {
  (...call: never[]): unknown;
  unsafe(...call: never[]): unknown;
  json: unknown;
  end: unknown;
}
type DriverResult = DriverResult[] & { count?: number | null; command?: string | null };

/**
 * Makes all statements pass the gate, and adds a guard against wrong results. If a statement fails after its first
 * rows, the driver does not reset its row counter. The next statement on this connection then gets a result whose first
 * places are empty (https://github.com/porsager/postgres/issues/1181). The guard rejects this next statement and replaces
 * the connection. `isRefused` is false for the error, because the statement may have had an effect.
 */
export function guardStatements<Pool extends DriverPool>(sql: Pool, gate: StatementGate): Pool {
  const guard = (query: DriverQuery) => {
    gate.guard(query);
    const { resolve } = query;
    query.resolve = (result) => {
      if (isComplete(result)) return resolve(result);
      gate.replaceConnection(query);
      query.reject(new Error('postgres: the result of a statement is incomplete'));
    };
    return query;
  };

  const run = (...call: never[]) => {
    const built = sql(...call);
    return built instanceof Promise ? guard(built as unknown as DriverQuery) : built;
  };
  const unsafe = (...call: never[]) => guard(sql.unsafe(...call) as DriverQuery);
  return Object.assign(run, { json: sql.json, unsafe, end: sql.end }) as unknown as Pool;
}

function isComplete(result: DriverResult): boolean {
  if (!Array.isArray(result)) return true; // This is the description of a statement.
  // A text of several statements has a list of results, and the list has no count.
  if (result.count === undefined) return result.every(isComplete);
  if (result.command === null) return false;
  // Postgres counts no rows for some statements, such as `show`. In a wrong result, the first place is empty.
  return result.length === 0 || (0 in result && result.length === (result.count ?? result.length));
}
