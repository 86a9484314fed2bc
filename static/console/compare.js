// The panels of two runs beside each other, as both were when the page was loaded.

import { get } from "./get.js";

const sides = document.querySelector(".sides");
if (sides) for (const side of ["left", "right"]) show(side, sides.dataset[side]);

async function show(side, runId) {
  const roots = [...sides.querySelectorAll(`[data-side=${side}]`)];
  let state;
  try {
    state = await get(`/runs/${runId}/state`);
  } catch (error) {
    for (const root of roots) root.textContent = `This run could not be read: ${error.message}`;
    return;
  }
  for (const root of roots) draw(root, state, runId);
}

// A panel that fails keeps no other from being shown.
async function draw(root, state, runId) {
  try {
    const { render } = await import(`./panels/${root.parentElement.dataset.panel}.js`);
    render(root, state, { runId, get });
  } catch (failed) {
    root.textContent = "This panel could not be shown.";
    console.error(failed);
  }
}
