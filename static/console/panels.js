// The panels below the timeline. Each is a module of its own, ./panels/<name>.js, with
//
//   export function render(root, state, { runId, get, resend })
//
// which shows a state of the run (GET /runs/{id}/state) below `root`; `resend` is there where deliveries may be sent again. One that fails says so and keeps no other from being shown.
// They are drawn one after the other, each in a task of its own: all at once they would hold up whoever scrolls.

import { get } from "./get.js";

export class Panels {
  constructor(sections, runId, { resend } = {}) {
    Object.assign(this, { runId, resend });
    this.panels = [];
    this.stale = new Set(); // panels that do not show the newest state yet
    this.ready = Promise.all([...sections].map((section) => this.load(section)));
  }

  async load(section) {
    try {
      const { render } = await import(`./panels/${section.dataset.panel}.js`);
      const panel = { section, render };
      this.panels.push(panel);
      section.hidden = false;
      if (this.state) this.drawLater([panel]);
    } catch (missing) {
      section.hidden = true;
      console.warn(`no panel ${section.dataset.panel}`, missing);
    }
  }

  show(state) {
    this.state = state;
    this.drawLater(this.panels);
  }

  // Whatever is shown meanwhile, each of them has its turn.
  async drawLater(panels) {
    for (const panel of panels) this.stale.add(panel);
    if (this.isDrawing) return;
    this.isDrawing = true;
    for (const panel of this.stale) {
      this.stale.delete(panel);
      await new Promise((resolve) => setTimeout(resolve));
      this.draw(panel);
    }
    this.isDrawing = false;
  }

  draw({ section, render }) {
    const root = section.querySelector("[data-root]");
    try {
      render(root, this.state, { runId: this.runId, get, resend: this.resend });
    } catch (failed) {
      root.textContent = "This panel could not be shown.";
      console.error(failed);
    }
  }
}
