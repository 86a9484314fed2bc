// A table that a narrow window turns into cards: each cell knows the name of its column.

import { element } from "./element.js";

/** `columns` are names; each row is `{of, cells, tone?}`. A reader of a screen hears `caption`. */
export function table(caption, columns, rows) {
  const head = columns.map((name) => element("th", { scope: "col" }, name));
  const body = rows.map(({ of, cells, tone }) =>
    element(
      "tr",
      { "data-of": of, class: tone && `row-${tone}` },
      cells.map((cell, index) => element("td", { "data-column": columns[index] }, cell)),
    ),
  );
  return element(
    "div",
    { class: "rows" },
    element(
      "table",
      {},
      element("caption", { class: "unseen" }, caption),
      element("thead", {}, element("tr", {}, head)),
      element("tbody", {}, body),
    ),
  );
}

/** Names and values, one a line; values that are null are left out. */
export function facts(pairs) {
  const given = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return element("dl", { class: "facts" }, given.map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}
