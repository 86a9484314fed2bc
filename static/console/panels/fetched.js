// What a panel has to ask the API for, beside the state. It asks again when `key` changes or the reader wants it, never
// twice at a time; while it waits, the last answer stays.

import { onAct } from "./acts.js";
import { element } from "./element.js";

const asking = new WeakMap();

/**
 * `draw(answer)` has been called with the newest answer there is (undefined before the first), and will be with each
 * newer one; `trouble` is passed beside it while the last try has failed.
 */
export function fetched(root, key, ask, draw) {
  const place = asking.get(root) ?? { key: undefined, busy: false, answer: undefined, trouble: null };
  asking.set(root, place);
  Object.assign(place, { wanted: key, ask, draw });
  onAct(root, "again", () => {
    place.key = undefined;
    go(place);
  });
  draw(place.answer, place.trouble);
  go(place);
}

async function go(place) {
  if (place.busy || place.key === place.wanted) return;
  place.busy = true;
  place.key = place.wanted;
  try {
    place.answer = await place.ask();
    place.trouble = null;
  } catch (error) {
    place.trouble = error.message;
  }
  place.busy = false;
  place.draw(place.answer, place.trouble);
  go(place); // what was wanted meanwhile
}

/** The line that says what went wrong, with a way to try again; nothing while all is well. */
export function troubled(trouble) {
  if (!trouble) return null;
  const button = element("button", { type: "button", "data-act": "again" }, "Try again");
  return element("p", { class: "trouble", role: "status" }, element("span", {}, `This could not be read: ${trouble}`), button);
}

/** For what changes without an event of the run: a way to ask again. */
export function again() {
  return element("p", { class: "again" }, element("button", { type: "button", "data-act": "again" }, "Refresh"));
}
