// What is said of large wagers: from which risk on whoever looks at a node is told of one.

export default {
  title: 'Large wagers',
  of: (node: string) => `Large wagers at ${node}`,
  about: (node: string, above: string) => `Whoever looks at ${node} is told of wagers with so much at risk or more. 0: of none. Nothing written: ${above}, ${node === 'root' ? 'half of the largest stake' : 'as at the node above'}.`,
  least: 'At risk, from',
  from: (amount: string) => `from ${amount}`,
  none: 'none',
  as: (words: string, node: string) => `${words}, ${node === 'root' ? 'half of the largest stake' : 'as above'}`,
  asAbove: (node: string) => (node === 'root' ? 'half of the largest stake' : 'as at the node above'),
  told: (node: string, before: string, after: string) => `${node} is told of large wagers: ${before} → ${after}`,
  what: (node: string) => `${node}: large wagers`,
  card: (node: string) => `Card of ${node}, where this is set`,
} as const;
