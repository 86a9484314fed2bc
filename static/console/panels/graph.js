// Who spoke to whom, and through which stages the decision went. The newest line is the bright one.

import { drawnEdges, pairs } from "./edges.js";
import { element } from "./element.js";
import { HALF, placed, RADIUS } from "./places.js";
import { repaint } from "./repaint.js";
import { badge, count, nothing, said, time } from "./shown.js";
import { table } from "./table.js";

export const title = "Graph";

const STAGES = { start: "start", proposal: "proposal", decision: "decision", output: "outcome" };
const NARROWEST = 300;
const WIDEST = 920;
const LETTERS = 15;

export function render(root, state) {
  const { nodes = [], edges = [] } = state.graph ?? {};
  if (!nodes.length) return repaint(root, nothing("Nobody has joined yet."));
  const width = Math.min(Math.max(root.clientWidth || NARROWEST, NARROWEST), WIDEST);
  const plan = placed(nodes, edges, width);
  const drawn = pairs(edges);
  repaint(
    root,
    drawing(plan, nodes, drawn),
    plan.left > 0 && nothing(`and ${count(plan.left, "more participant")}, not heard of as lately`),
    legend(),
    listed(edges, nodes),
  );
}

function drawing(plan, nodes, drawn) {
  const { width, height, places } = plan;
  const label = `${count(nodes.length, "node")}, ${count(drawn.length, "connection")}; the list below names them`;
  const size = { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label, class: "graph" };
  const circles = nodes.filter(({ id }) => places.has(id)).map((node) => drawnNode(node, places.get(node.id)));
  return element("svg", size, drawnEdges(drawn, places), circles);
}

function drawnNode({ id, kind, status }, { x, y }) {
  const isStage = kind !== "participant";
  const name = isStage ? (STAGES[kind] ?? kind) : id;
  const shape = isStage
    ? element("rect", { x: -HALF.width, y: -HALF.height, width: 2 * HALF.width, height: 2 * HALF.height, rx: 6 })
    : element("circle", { r: RADIUS });
  const words = isStage
    ? element("text", { y: 4 }, name)
    : [element("text", { y: 5, class: "initials" }, initials(id)), element("text", { y: RADIUS + 16 }, cut(name))];
  const place = { class: `node node-${kind} is-${status}`, transform: `translate(${round(x)} ${round(y)})` };
  return element("g", { ...place, "data-of": id }, element("title", {}, `${name}: ${status}`), shape, words);
}

function round(number) {
  return Math.round(number * 10) / 10;
}

function initials(id) {
  const parts = id.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const letters = parts.length > 1 ? [...parts].slice(0, 2).map((part) => [...part][0]) : [...(parts[0] ?? id)].slice(0, 2);
  return letters.join("").toUpperCase();
}

function cut(name) {
  const letters = [...name];
  return letters.length > LETTERS ? `${letters.slice(0, LETTERS - 1).join("")}…` : name;
}

function legend() {
  const kinds = [["message", "message"], ["judged", "vote, evaluation"], ["objection", "objection"], ["commits", "commitment"]];
  const swatch = (kind) => element("svg", { viewBox: "0 0 24 8", class: "swatch", "aria-hidden": "true" },
    element("path", { d: "M0 4H24", class: `edge edge-${kind}` }));
  return element("p", { class: "legend" }, kinds.map(([kind, words]) => element("span", {}, swatch(kind), " ", words)));
}

function listed(edges, nodes) {
  if (!edges.length) return null;
  const stages = new Map(nodes.filter(({ kind }) => kind !== "participant").map(({ id, kind }) => [id, STAGES[kind] ?? kind]));
  const name = (id) => (stages.has(id) ? badge(stages.get(id), "quiet") : said(id));
  const rows = [...edges].reverse().map(({ from, to, kind, ts }) => ({
    of: `${from} ${to} ${kind}`,
    cells: [time(ts), name(from), name(to), said(kind)],
  }));
  const all = table("Connections, newest first", ["At", "From", "To", "Kind"], rows);
  return element("details", {}, element("summary", {}, `All ${count(edges.length, "connection")}, newest first`), all);
}
