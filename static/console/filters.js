// Which lines the timeline shows: by type, and by who speaks. The choices are those that the log has.

export class Filters {
  constructor(form, lines, onChange) {
    Object.assign(this, { form, lines, onChange });
    this.type = form.querySelector("[data-filter=type]");
    this.who = form.querySelector("[data-filter=who]");
    this.note = form.querySelector("[data-filter=note]");
    form.addEventListener("change", () => this.onChange());
    form.addEventListener("reset", () => setTimeout(() => this.onChange()));
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  get isOff() {
    return !this.type.value && !this.who.value;
  }

  // The numbers of the lines that are let through, or null for all.
  get seqs() {
    if (this.isOff) return null;
    const seqs = [];
    for (const line of this.lines.known()) if (this.lets(line)) seqs.push(line.seq);
    return seqs;
  }

  lets(line) {
    const { value: type } = this.type;
    const isOfType = !type || line.type === type || (type.endsWith(".") && line.type.startsWith(type));
    return isOfType && (!this.who.value || line.speaker === this.who.value);
  }

  // The choices, and an honest word on how much of the log they are drawn from.
  refresh(shown) {
    const types = new Set();
    const people = new Set();
    for (const line of this.lines.known()) {
      types.add(line.type);
      types.add(`${line.type.split(".", 1)[0]}.`);
      people.add(line.speaker);
    }
    offer(this.type, types, (type) => (type.endsWith(".") ? `${type}*` : type));
    offer(this.who, people, (name) => name);
    const { held, lastSeq, isWhole } = this.lines;
    const all = isWhole ? `${lastSeq}` : `the ${held} read so far, of ${lastSeq}`;
    this.note.textContent = this.isOff && isWhole ? `${lastSeq} events` : `${shown} of ${all}`;
  }
}

function offer(select, values, name) {
  const there = new Set([...select.options].map((option) => option.value));
  const fresh = [...values].filter((value) => !there.has(value)).sort();
  for (const value of fresh) {
    const option = document.createElement("option");
    option.value = value;
    option.textContent = name(value);
    const after = [...select.options].slice(1).find((other) => other.value > value);
    select.insertBefore(option, after ?? null);
  }
}
