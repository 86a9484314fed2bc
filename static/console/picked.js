// Which runs are picked: remembered by id, so that lines rendered anew keep their marks.

export class Picked {
  #ids = new Set();
  #listeners = [];

  constructor(lines, words) {
    this.lines = lines;
    this.words = words;
    lines.addEventListener("change", (event) => this.#changed(event.target));
  }

  get ids() {
    return [...this.#ids];
  }

  onChange(listener) {
    this.#listeners.push(listener);
  }

  // After the lines were rendered anew: those that are gone are picked no more.
  restore() {
    const shown = new Set();
    for (const box of this.#boxes()) {
      shown.add(box.value);
      box.checked = this.#ids.has(box.value);
    }
    this.#ids = new Set(this.ids.filter((id) => shown.has(id)));
    this.#tell();
  }

  #boxes() {
    return this.lines.querySelectorAll('input[name="run"]');
  }

  #changed(box) {
    const boxes = box.id === "all" ? [...this.#boxes()] : [box];
    for (const one of boxes) {
      one.checked = box.checked;
      this.#ids[box.checked ? "add" : "delete"](one.value);
    }
    this.#tell();
  }

  #tell() {
    if (this.words !== null) {
      this.words.textContent = this.#ids.size ? `${this.#ids.size} picked` : "none picked";
    }
    this.#listeners.forEach((listener) => listener(this.ids));
  }
}
