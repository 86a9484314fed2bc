// One event as it is stored, fetched when somebody wants to see it, with a link that leads back to it.

import { get } from "./get.js";

export class Details {
  constructor(box, runId) {
    Object.assign(this, { box, runId });
    this.part = (name) => box.querySelector(`[data-details=${name}]`);
    this.part("copy").addEventListener("click", () => this.copy());
    this.part("close").addEventListener("click", () => this.onClose());
  }

  onClose() {}

  async show(seq) {
    this.seq = seq;
    this.box.hidden = seq === null;
    if (seq === null) return;
    this.part("title").textContent = `Event ${seq}`;
    this.part("copied").textContent = "";
    this.part("link").hidden = true;
    this.part("raw").textContent = "…";
    const text = await this.text(seq);
    if (seq === this.seq) this.part("raw").textContent = text; // else another one was chosen meanwhile
  }

  async text(seq) {
    try {
      const [event] = await get(`/runs/${this.runId}/events?afterSeq=${seq - 1}&limit=1`);
      return event ? JSON.stringify(event, null, 2) : "There is no such event yet.";
    } catch (failed) {
      return `It could not be read: ${failed.message}.`;
    }
  }

  async copy() {
    const link = linkTo(this.seq);
    try {
      await navigator.clipboard.writeText(link);
      this.part("copied").textContent = "Link copied";
    } catch {
      // Pages that came without TLS may not touch the clipboard.
      const field = this.part("link");
      field.hidden = false;
      field.value = link;
      field.select();
      this.part("copied").textContent = "Copy it from here";
    }
  }
}

export function linkTo(seq) {
  return `${location.origin}${location.pathname}#event-${seq}`;
}

// The event that the address names, or null.
export function namedEvent(lastSeq) {
  const found = /^#event-([0-9]{1,15})$/.exec(location.hash);
  const seq = found ? Number(found[1]) : 0;
  return seq >= 1 && seq <= lastSeq ? seq : null;
}
