// The buttons above the log: those that the run's state and the reader's rights allow, as the server last said.

import { element, put } from "../panels/element.js";
import { ACTS } from "./all.js";
import { ActDialog } from "./dialog.js";

const FIRST = ["message", "signal", "suspend", "resume", "cancel", "recover", "clone", "export"];

export class ActBar {
  // `onDone` is called after everything that was done: the header may tell something new.
  constructor(bar, dialog, run, { onDone }) {
    Object.assign(this, { bar, onDone, allowed: [] });
    this.told = bar.querySelector("[data-acts=told]");
    this.buttons = new Map();
    this.#build();
    this.dialog = new ActDialog(dialog, run, {
      token: bar.querySelector("[name=csrfmiddlewaretoken]").value,
      onTold: (words) => this.#tell(words),
      onClosed: () => this.#focus(),
    });
    this.show(JSON.parse(bar.dataset.allowed));
  }

  // From now on these are allowed, in this order.
  show(allowed) {
    this.allowed = allowed;
    for (const [name, button] of this.buttons) button.hidden = !allowed.includes(name);
    const rest = [...this.buttons].filter(([name]) => !FIRST.includes(name));
    this.bar.querySelector("details").hidden = rest.every(([, button]) => button.hidden);
  }

  // Asks for an act that has its button elsewhere, with what it is about; undefined where it is not allowed.
  asker(name) {
    if (!this.allowed.includes(name)) return undefined;
    return (of, onDone) => this.#open(name, document.activeElement, { of, onDone });
  }

  #build() {
    const more = this.bar.querySelector("details div");
    for (const [name, act] of Object.entries(ACTS)) {
      if (act.isElsewhere) continue;
      const button = element("button", { type: "button", "data-do": name, "aria-haspopup": "dialog" }, act.label);
      button.addEventListener("click", () => this.#open(name, button));
      this.buttons.set(name, button);
      if (!FIRST.includes(name)) more.append(button);
    }
    this.bar.querySelector("[data-acts=first]").append(...FIRST.map((name) => this.buttons.get(name)));
  }

  #open(name, opener, { of, onDone = () => {} } = {}) {
    this.opener = opener;
    this.#tell("");
    this.dialog.open(ACTS[name], {
      of,
      onDone: (answer) => {
        onDone(answer);
        this.onDone();
      },
    });
  }

  // Where the focus was; or the first thing there is to do, if that is gone.
  #focus() {
    const isThere = this.opener?.isConnected && this.opener.offsetParent !== null;
    const first = [...this.buttons.values()].find((button) => button.offsetParent !== null);
    (isThere ? this.opener : first)?.focus();
  }

  #tell(words) {
    this.told.replaceChildren();
    put(this.told, [words]);
  }
}
