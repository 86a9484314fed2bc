// The panels below the timeline. Each is a module of its own, ./panels/<name>.js, with
//
//   export function render(root, state, { runId, get, resend })
//
// which shows a state of the run (GET /runs/{id}/state) below `root`; `resend` is there where deliveries may be sent again. One that fails says so and keeps no other from being shown.

import { get } from "./get.js";

export class Panels {
  constructor(sections, runId, { resend } = {}) {
    Object.assign(this, { runId, resend });
    this.panels = [];
    this.ready = Promise.all([...sections].map((section) => this.load(section)));
  }

  async load(section) {
    try {
      const { render } = await import(`./panels/${section.dataset.panel}.js`);
      this.panels.push({ section, render });
      section.hidden = false;
      if (this.state) this.draw({ section, render });
    } catch (missing) {
      section.hidden = true;
      console.warn(`no panel ${section.dataset.panel}`, missing);
    }
  }

  show(state) {
    this.state = state;
    for (const panel of this.panels) this.draw(panel);
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
