// Where the nodes of the graph stand: participants in rows, the stages of the decision in one row below them.

export const RADIUS = 22; // of a participant
export const HALF = { width: 38, height: 15 }; // of a stage
export const BEND = 64; // how far a line may be pulled aside; it goes half as far
const COLUMN = 120; // the least that a name below its node needs
const ROW = 104;
const TOP = RADIUS + BEND / 2 + 8;
const MOST = 40;

/** `{places: Map(id -> {x, y}), left, width, height}`; `left` counts the participants that find no room. */
export function placed(nodes, edges, width) {
  const stages = nodes.filter(({ kind }) => kind !== "participant");
  const everybody = nodes.filter(({ kind }) => kind === "participant");
  const chosen = everybody.length > MOST ? liveliest(everybody, edges) : everybody;
  const each = Math.max(2, Math.min(Math.floor(width / COLUMN), Math.ceil(Math.sqrt(chosen.length * 2.5))));
  const places = new Map();
  const rows = inRows(chosen, each);
  rows.forEach((row, index) => spread(row, width, TOP + index * ROW, places));
  const below = TOP + rows.length * ROW + (stages.length ? 24 : -ROW / 2);
  spread(stages, width, below, places);
  return { places, left: everybody.length - chosen.length, width, height: below + (stages.length ? 64 : 24) };
}

// Who spoke or was spoken to last, in the order in which they joined.
function liveliest(everybody, edges) {
  const last = new Map();
  edges.forEach((edge, index) => [edge.from, edge.to].forEach((id) => last.set(id, index)));
  const known = [...everybody].sort((a, b) => (last.get(b.id) ?? -1) - (last.get(a.id) ?? -1));
  const chosen = new Set(known.slice(0, MOST));
  return everybody.filter((node) => chosen.has(node));
}

function inRows(nodes, each) {
  const rows = [];
  for (let start = 0; start < nodes.length; start += each) rows.push(nodes.slice(start, start + each));
  return rows;
}

// Neighbours in a row stand a little higher and lower, so that a line between two passes those in between.
function spread(row, width, y, places) {
  const step = width / row.length;
  row.forEach(({ id }, index) => places.set(id, { x: step * (index + 0.5), y: y + (index % 2 ? 14 : 0) }));
}
