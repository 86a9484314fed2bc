// Fields of a dialog. Each is {name, label, kind, hint, isNeeded, isAlways, options, none}; `name` is the member of the
// body, and where the route finds fault with that member the fault is shown there.
//
//   (none) a line of text    choice   one of some    suggested  any text, with some to choose from
//   list   some names        json     an object      number, mark (yes or no)

import { element } from "../panels/element.js";

let made = 0;

export class Fault extends Error {}

export class Field {
  constructor(wanted, given) {
    Object.assign(this, { wanted });
    this.id = `field-${++made}`;
    this.input = this.#input(given);
    this.problem = element("p", { class: "problem", id: `${this.id}-problem` });
    const { hint, label } = wanted;
    const words = element("p", { class: "quiet", id: `${this.id}-hint` }, hint ?? "");
    const name = element("label", { for: this.id }, label);
    const parts = wanted.kind === "mark" ? [element("p", { class: "act-mark" }, this.input, name)] : [name, this.input];
    this.box = element("div", { class: "act-field", "data-field-of": wanted.name }, parts, this.suggestions, hint && words, this.problem);
    this.input.setAttribute("aria-describedby", [hint && words.id, this.problem.id].filter(Boolean).join(" "));
    if (wanted.isNeeded) this.input.setAttribute("aria-required", "true");
  }

  // Whether the route means this field when it finds fault with the member at `path`.
  isAt(path) {
    return path === this.wanted.name || path.startsWith(`${this.wanted.name}.`) || path.startsWith(`${this.wanted.name}[`);
  }

  // What was typed, as the body has it; undefined where it was left empty. Throws a Fault.
  get value() {
    const { kind, isNeeded, isAlways } = this.wanted;
    if (kind === "mark") return this.input.checked;
    const text = kind === "json" ? this.input.value.trim() : this.input.value;
    if (!text.trim()) {
      if (isNeeded) throw new Fault("is needed");
      return kind === "list" && isAlways ? [] : undefined;
    }
    return (READERS[kind] ?? String)(text);
  }

  blame(message) {
    this.problem.textContent = message;
    this.input.setAttribute("aria-invalid", "true");
  }

  forgive() {
    this.problem.textContent = "";
    this.input.removeAttribute("aria-invalid");
  }

  #input(given) {
    const { kind } = this.wanted;
    const common = { id: this.id, name: this.wanted.name, autocomplete: "off" };
    if (kind === "choice") {
      const options = given.map((one) => (Array.isArray(one) ? one : [one, one]));
      return element("select", common, options.map(([value, words]) => element("option", { value }, words)));
    }
    if (kind === "json") return element("textarea", { ...common, rows: 5, spellcheck: "false" });
    if (kind === "mark") return element("input", { ...common, type: "checkbox" });
    if (given.length) {
      this.suggestions = element("datalist", { id: `${this.id}-some` }, given.map((one) => element("option", { value: one })));
    }
    const list = given.length ? `${this.id}-some` : null;
    return element("input", { ...common, type: "text", list, inputmode: kind === "number" ? "decimal" : null });
  }
}

const READERS = {
  list: (text) => text.split(",").map((one) => one.trim()).filter(Boolean),
  number: (text) => {
    const number = Number(text.trim());
    if (!Number.isFinite(number)) throw new Fault("must be a number");
    return number;
  },
  json: (text) => {
    let value;
    try {
      value = JSON.parse(text);
    } catch (broken) {
      throw new Fault(`is no JSON: ${broken.message}`);
    }
    if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Fault('must be an object: {"name": "value"}');
    return value;
  },
};
