// The tree of agents, as rows in their order: top down, each below whom it stands.

export interface Branch<Row> {
  row: Row;
  depth: number;
}

/** Rows of nodes in the order of their tree, each with its depth. Whose parent is not among them stands at the top. */
export function branches<Row extends { agent: string; parent: string }>(rows: readonly Row[]): Branch<Row>[] {
  const known = new Set(rows.map((row) => row.agent));
  const below = new Map<string, Row[]>();
  for (const row of rows) {
    const parent = known.has(row.parent) && row.parent !== row.agent ? row.parent : '';
    const beside = below.get(parent);
    if (beside) beside.push(row);
    else below.set(parent, [row]);
  }
  const found: Branch<Row>[] = [];
  const walk = (parent: string, depth: number) => {
    for (const row of (below.get(parent) ?? []).toSorted((a, b) => a.agent.localeCompare(b.agent))) {
      found.push({ row, depth });
      walk(row.agent, depth + 1);
    }
  };
  walk('', 0);
  return found;
}

/** Whether some account at a node or below it is not among those that are known: then somebody has come. */
export function strangers(accounts: readonly { player: string; agent: string }[], known: ReadonlySet<string>, agents: readonly { agent: string; parent: string }[], top: string): boolean {
  const unknown = accounts.filter((one) => !known.has(one.player));
  if (!unknown.length) return false;
  const nodes = below(agents, top);
  return unknown.some((one) => nodes.has(one.agent));
}

/** A node and all below it. */
export function below(rows: readonly { agent: string; parent: string }[], top: string): ReadonlySet<string> {
  const parents = new Map(rows.map((row) => [row.agent, row.parent]));
  const found = new Set([top]);
  for (const row of rows) {
    const path: string[] = [];
    for (let at: string | undefined = row.agent; at && !path.includes(at); at = parents.get(at)) {
      path.push(at);
      if (!found.has(at)) continue;
      for (const one of path) found.add(one);
      break;
    }
  }
  return found;
}
