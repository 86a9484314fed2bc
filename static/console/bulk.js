// Actions on the picked runs: first what they would do, then, once confirmed, the route that does it, and what it said.

import { carryOut } from "./actions.js";
import { fetchPart, replace } from "./parts.js";

const NAMES = { cancel: "Cancel", recover: "Recover", archive: "Archive", rebuild: "Rebuild the projection of", export: "Export" };

export function setUpBulk({ root, picked, onDone }) {
  const form = document.getElementById("bulk");
  if (form === null) {
    return; // no right to act
  }
  const dialog = new Confirmation(root, form.querySelector('[name="csrfmiddlewaretoken"]').value, onDone);
  const compare = form.querySelector("[data-compare]");
  for (const button of form.querySelectorAll("[data-action]")) {
    button.addEventListener("click", () => dialog.ask(button.dataset.action, picked.ids));
  }
  compare.addEventListener("click", () => {
    const [left, right] = picked.ids;
    location.assign(`/admin/console/compare?${new URLSearchParams({ left, right })}`);
  });
  picked.onChange((ids) => {
    form.querySelectorAll("[data-action]").forEach((button) => { button.disabled = ids.length === 0; });
    compare.disabled = ids.length !== 2;
  });
}

function counted(action, number) {
  return `${NAMES[action]} ${number} run${number === 1 ? "" : "s"}`;
}

class Confirmation {
  constructor(root, token, onDone) {
    this.preview = root.dataset.preview;
    this.token = token;
    this.onDone = onDone;
    this.dialog = document.getElementById("dialog");
    this.title = document.getElementById("dialog-title");
    this.body = document.getElementById("dialog-body");
    this.words = document.getElementById("dialog-words");
    this.doIt = document.getElementById("do");
    this.doIt.addEventListener("click", () => this.#carryOut());
    this.close = document.getElementById("close");
    this.close.addEventListener("click", () => this.dialog.close());
  }

  async ask(action, ids) {
    this.action = action;
    this.title.textContent = `${counted(action, ids.length)}?`;
    this.close.textContent = "Do nothing";
    this.doIt.hidden = true;
    this.words.textContent = "looking …";
    this.body.replaceChildren();
    this.dialog.showModal();
    try {
      const query = new URLSearchParams([["action", action], ...ids.map((id) => ["id", id])]);
      replace(this.body, await fetchPart(`${this.preview}?${query}`));
      this.words.textContent = "";
      const acting = this.#acting().length;
      this.doIt.textContent = counted(action, acting); // "Cancel" alone could mean the question
      this.doIt.hidden = acting === 0;
    } catch (failed) {
      this.words.textContent = failed.message;
    }
  }

  #acting() {
    return [...this.body.querySelectorAll('tr[data-acts="yes"]')].map((line) => line.dataset.run);
  }

  async #carryOut() {
    this.doIt.hidden = true;
    this.close.textContent = "Close";
    this.words.textContent = "working …";
    const outcomes = await carryOut(this.action, this.#acting(), this.token);
    for (const { id, words } of outcomes) {
      const cell = this.body.querySelector(`tr[data-run="${CSS.escape(id)}"] [data-outcome]`);
      if (cell !== null) {
        cell.textContent = words;
      }
    }
    const failed = outcomes.filter((outcome) => !outcome.isDone).length;
    this.words.textContent = failed ? `Done for ${outcomes.length - failed}, not for ${failed}: see the lines.` : `Done for ${outcomes.length}.`;
    this.onDone();
  }
}
