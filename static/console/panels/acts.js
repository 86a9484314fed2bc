// What a reader can do inside of a panel. One listener for each panel and kind, on its root: what is painted inside of
// it comes and goes.

const listening = new WeakMap();

/** From now on `act(element)` is called when somebody presses what is painted with this `data-act`. */
export function onAct(root, name, act) {
  const acts = listening.get(root) ?? listen(root);
  acts.set(name, act);
}

function listen(root) {
  const acts = new Map();
  listening.set(root, acts);
  root.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-act]");
    if (pressed && root.contains(pressed)) acts.get(pressed.dataset.act)?.(pressed);
  });
  return acts;
}
