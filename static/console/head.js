// The header of the run: fetched anew when the run has moved, so that its words are the server's.

import { get } from "./get.js";

const AT_MOST_EVERY_MS = 1_000;

export class Head {
  // `onShow` is told each header that is shown.
  constructor(box, base, onShow = () => {}) {
    Object.assign(this, { box, base, onShow });
  }

  // Soon; many moves in a moment cost one reading, and the last one is never missed.
  refresh() {
    if (this.later) {
      this.again = true;
      return;
    }
    this.later = setTimeout(async () => {
      this.again = false;
      await this.read();
      this.later = null;
      if (this.again) this.refresh();
    }, AT_MOST_EVERY_MS);
  }

  async read() {
    try {
      this.show(await get(`${this.base}/head`));
    } catch {
      // The connection line says why; what is shown stays.
    }
  }

  show(head) {
    for (const field of this.box.querySelectorAll("[data-field]")) {
      const value = head[field.dataset.field];
      field.textContent = typeof value === "string" ? value || "–" : String(value);
    }
    for (const optional of this.box.querySelectorAll("[data-optional]")) {
      optional.hidden = !head[optional.querySelector("[data-field]").dataset.field];
    }
    this.box.dataset.status = head.status;
    this.box.querySelector("[data-ending]").hidden = !head.ending;
    const proof = this.box.querySelector("[data-proof]");
    proof.replaceChildren(...head.proof.map(sentence));
    this.onShow(head);
  }
}

function sentence(text) {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}
