// The dialog of one act: what will happen, what is asked for, and what the route answered.
//
// What is asked for has a key from the moment it is sent: a second press, or another try after a lost answer, does it once.

import { change, newKey, NotDone } from "../change.js";
import { save } from "../file.js";
import { get } from "../get.js";
import { put } from "../panels/element.js";
import { Fault, Field } from "./fields.js";

const AGAIN = "It may have been done all the same. Try again: it is not done twice.";

export class ActDialog {
  // `run` is {runId, base, mode}; `onTold(words)` hears what came of each act, also once the dialog is closed.
  constructor(dialog, run, { token, onTold, onClosed }) {
    Object.assign(this, { dialog, run, token, onTold, onClosed });
    this.part = (name) => dialog.querySelector(`[data-act-part=${name}]`);
    this.form = dialog.querySelector("form");
    this.form.addEventListener("submit", (event) => this.#submit(event));
    this.part("close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => this.#closed());
  }

  // `of` is what the act is about, beside the run; `onDone` is called once it was done.
  async open(act, { of = {}, onDone = () => {} } = {}) {
    const turn = { act, of, onDone, keys: new Map(), fields: [], typed: act.typed?.(this.run.runId) ?? null, isDone: false };
    this.turn = turn;
    this.part("title").textContent = act.title;
    this.part("does").textContent = act.does;
    this.part("close").textContent = "Do nothing";
    this.part("do").textContent = act.verb;
    this.dialog.dataset.grave = String(Boolean(act.isGrave));
    this.part("fields").replaceChildren();
    this.#say("", "");
    this.#isBusy(act.fields.length > 0);
    this.dialog.showModal();
    this.part("close").focus();
    await this.#ask(turn);
  }

  async #ask(turn) {
    const wanted = [...turn.act.fields];
    if (turn.typed !== null) wanted.push({ name: "typed", label: `Type ${turn.typed} to go on`, isNeeded: true });
    const context = { get, ...this.run };
    let given;
    try {
      given = await Promise.all(wanted.map(async ({ options }) => (options ? options(context) : [])));
    } catch (failed) {
      if (turn === this.turn) this.#say("", `It cannot be asked for now: ${failed.message}.`);
      return;
    }
    if (turn !== this.turn || !this.dialog.open) return;
    const none = wanted.find(({ none }, index) => none && !given[index].length);
    if (none) return this.#say("", none.none);
    turn.fields = wanted.map((field, index) => new Field(field, given[index]));
    this.part("fields").replaceChildren(...turn.fields.map((field) => field.box));
    this.#isBusy(false);
    turn.fields[0]?.input.focus();
  }

  async #submit(event) {
    event.preventDefault();
    const turn = this.turn;
    const body = this.part("do").disabled || turn.isDone ? null : this.#read(turn);
    if (body === null) return;
    this.#isBusy(true);
    this.#say("working …", "");
    try {
      await this.#carryOut(turn, body);
    } catch (failed) {
      if (!(failed instanceof NotDone)) throw failed;
      this.#refused(turn, failed);
    }
  }

  // The body, or null where something is wrong with what was typed: that is shown, and the first such field has the focus.
  #read(turn) {
    const body = {};
    for (const field of turn.fields) {
      field.forgive();
      try {
        body[field.wanted.name] = field.value;
      } catch (fault) {
        if (!(fault instanceof Fault)) throw fault;
        field.blame(fault.message);
      }
    }
    const typed = turn.fields.find(({ wanted }) => wanted.name === "typed");
    if (typed && body.typed !== turn.typed) typed.blame(`must be ${turn.typed}`);
    delete body.typed;
    return this.#focusFault(turn) ? null : body;
  }

  #focusFault(turn) {
    const blamed = turn.fields.find(({ problem }) => problem.textContent);
    blamed?.input.focus();
    return Boolean(blamed);
  }

  async #carryOut(turn, body) {
    const request = turn.act.request(body, this.run.runId, turn.of);
    const named = JSON.stringify(body);
    if (!turn.keys.has(named)) turn.keys.set(named, newKey());
    const answer = await change(request, { token: this.token, key: turn.keys.get(named) });
    if (request.isFile) save(answer, request.name);
    turn.isDone = true;
    this.onTold(turn.act.said(answer));
    turn.onDone(answer);
    if (turn !== this.turn) return;
    this.#say(turn.act.said(answer), "");
    this.part("fields").replaceChildren();
    this.part("do").hidden = true;
    this.part("close").textContent = "Close";
    this.part("close").focus();
  }

  #refused(turn, failed) {
    const words = `Not done: ${failed.message}${failed.code && ` (${failed.code})`}.`;
    const said = failed.mayHaveHappened ? `${failed.message}. ${AGAIN}` : words;
    if (turn !== this.turn || !this.dialog.open) return this.onTold(said);
    this.#isBusy(false);
    const left = failed.faults.filter(({ path, message }) => {
      const field = turn.fields.find((one) => one.isAt(path));
      field?.blame(path === field.wanted.name ? message : `${path} ${message}`);
      return !field;
    });
    const isAtFields = failed.faults.length > left.length;
    const others = left.map(({ path, message }) => `${path} ${message}`).join("; ");
    this.#say("", isAtFields ? `Not done: see the fields.${others && ` ${others}.`}` : said);
    if (!this.#focusFault(turn)) this.part("do").focus();
  }

  #closed() {
    const { act, isDone } = this.turn;
    if (isDone && act.leadsTo) return location.assign(act.leadsTo);
    this.onClosed();
  }

  #isBusy(busy) {
    this.part("do").hidden = false;
    this.part("do").disabled = busy;
  }

  #say(words, problem) {
    this.part("said").replaceChildren();
    put(this.part("said"), [words]);
    this.part("problem").textContent = problem;
  }
}
