// The lines of the graph: one for all that went from one node to another, as the newest of it says.

import { element } from "./element.js";
import { BEND, HALF, RADIUS } from "./places.js";

const JUDGED = new Set(["vote", "evaluation", "review"]);
const QUIET = new Set(["fanout", "session.bound", "proposes"]);

/** One entry `{from, to, kinds, newest}` for each pair of nodes, oldest first; `newest` marks the last edge of all. */
export function pairs(edges) {
  const found = new Map();
  edges.forEach(({ from, to, kind }, index) => {
    const key = JSON.stringify([from, to]);
    const kinds = found.get(key)?.kinds ?? [];
    found.delete(key); // what is said again goes to the end
    found.set(key, { from, to, kinds: [...kinds, kind], newest: index === edges.length - 1 });
  });
  return [...found.values()];
}

/** What is drawn of them; a line to a node without a place is left out. */
export function drawnEdges(drawn, places) {
  const known = drawn.filter(({ from, to }) => places.has(from) && places.has(to) && from !== to);
  return known.map((edge) => line(edge, places.get(edge.from), places.get(edge.to)));
}

function line({ from, to, kinds, newest }, start, end) {
  const { path, arrow } = curve(start, end, to.startsWith("__"));
  const kind = kindOf(kinds);
  const name = element("title", {}, `${from} to ${to}: ${kinds.join(", ")}`);
  const marks = `edge edge-${kind}${newest ? " edge-newest" : ""}`;
  return element("g", { class: marks, "data-of": `${from} ${to}` }, name,
    element("path", { d: path }), element("path", { d: arrow, class: "arrow" }));
}

function kindOf(kinds) {
  if (kinds.includes("objection")) return "objection";
  if (kinds.includes("commits")) return "commits";
  if (kinds.some((kind) => JUDGED.has(kind))) return "judged";
  return kinds.every((kind) => QUIET.has(kind)) ? "quiet" : "message";
}

// Bent to its left, so that the way back is another line; the head points along the end of the bend.
function curve(start, end, isToStage) {
  const far = Math.hypot(end.x - start.x, end.y - start.y) || 1;
  const bend = Math.min(0.16 * far, BEND);
  const middle = {
    x: (start.x + end.x) / 2 + (bend * (end.y - start.y)) / far,
    y: (start.y + end.y) / 2 - (bend * (end.x - start.x)) / far,
  };
  const tip = towards(end, middle, isToStage ? outOfBox(end, middle) : RADIUS + 3);
  const tail = towards(start, middle, RADIUS);
  const path = `M${at(tail)}Q${at(middle)} ${at(tip)}`;
  return { path, arrow: head(tip, middle) };
}

// How far the rim of a stage is from its middle, on the way to the other point.
function outOfBox(point, other) {
  const [dx, dy] = [Math.abs(other.x - point.x), Math.abs(other.y - point.y)];
  const far = Math.hypot(dx, dy) || 1;
  return Math.min((HALF.width * far) / (dx || 1), (HALF.height * far) / (dy || 1)) + 3;
}

function towards(point, other, distance) {
  const far = Math.hypot(other.x - point.x, other.y - point.y) || 1;
  return { x: point.x + ((other.x - point.x) * distance) / far, y: point.y + ((other.y - point.y) * distance) / far };
}

function head(tip, from) {
  const base = towards(tip, from, 8);
  const [dx, dy] = [(tip.y - base.y) / 2, (base.x - tip.x) / 2];
  return `M${at(tip)}L${at({ x: base.x + dx, y: base.y + dy })}L${at({ x: base.x - dx, y: base.y - dy })}Z`;
}

function at({ x, y }) {
  return `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`;
}
