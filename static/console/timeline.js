// A list of lines of which only those in sight are in the document, however many there are. Agent text goes in by textContent.

const SPARE = 8; // rows above and below what is in sight
const NEAR_END_PX = 40;
const TALLEST_PX = 8_000_000; // browsers clip what is taller: a longer list is scrolled proportionally

export class Timeline {
  // lines: see lines.js; onSelect(seq or null); onMove() when it was scrolled
  constructor(box, lines, { onSelect, onMove = () => {} }) {
    Object.assign(this, { box, lines, onSelect, onMove });
    this.inner = box.querySelector("[data-rows]");
    this.rows = new Map(); // place -> element
    this.seqs = null; // those that a filter lets through, or null for all
    this.selected = null;
    this.follows = true; // the end is in sight and stays there
    box.addEventListener("scroll", () => this.scrolled(), { passive: true });
    box.addEventListener("keydown", (event) => this.pressed(event));
    this.inner.addEventListener("click", (event) => this.clicked(event));
    new ResizeObserver(() => this.measure()).observe(box);
    this.measure();
  }

  get count() {
    return this.seqs ? this.seqs.length : this.lines.lastSeq;
  }

  seqAt(place) {
    return this.seqs ? this.seqs[place] : place + 1;
  }

  placeOf(seq) {
    if (!this.seqs) return seq - 1;
    const place = firstNotBelow(this.seqs, seq);
    return Math.min(place, this.count - 1);
  }

  show(seqs) {
    this.seqs = seqs;
    this.update();
  }

  // There are more lines than before, or some that were missing.
  update() {
    this.later ??= requestAnimationFrame(() => {
      this.later = null;
      this.draw();
    });
  }

  goTo(seq) {
    this.follows = seq >= this.seqAt(this.count - 1);
    const place = this.placeOf(seq);
    const top = this.topOf(place);
    const isInSight = top >= this.box.scrollTop && top + this.height <= this.box.scrollTop + this.box.clientHeight;
    if (!isInSight) this.box.scrollTop = Math.max(0, top - this.box.clientHeight / 3);
    this.update();
  }

  select(seq, { moves = true } = {}) {
    this.selected = seq;
    if (seq !== null && moves) this.goTo(seq);
    this.onSelect(seq);
    this.update();
  }

  followEnd() {
    this.follows = true;
    this.update();
  }

  measure() {
    this.height = parseFloat(getComputedStyle(this.box).getPropertyValue("--row-height")) || 32;
    this.update();
  }

  // --- drawing ---

  get tall() {
    return this.count * this.height;
  }

  // How much further the list goes for each pixel that is scrolled.
  get pace() {
    const shown = Math.min(this.tall, TALLEST_PX) - this.box.clientHeight;
    return shown > 0 ? (this.tall - this.box.clientHeight) / shown : 1;
  }

  topOf(place) {
    return (place * this.height) / this.pace;
  }

  draw() {
    const { box, inner, height } = this;
    inner.style.height = `${Math.min(this.tall, TALLEST_PX)}px`;
    if (this.follows) box.scrollTop = box.scrollHeight;
    const offset = box.scrollTop * this.pace;
    const first = Math.max(0, Math.floor(offset / height) - SPARE);
    const last = Math.min(this.count, Math.ceil((offset + box.clientHeight) / height) + SPARE);
    for (const [place, row] of this.rows) {
      if (place < first || place >= last) {
        row.remove();
        this.rows.delete(place);
      }
    }
    for (let place = first; place < last; place += 1) {
      const row = this.row(place);
      row.style.transform = `translateY(${Math.round(place * height - offset + box.scrollTop)}px)`;
    }
    const current = this.selected !== null && this.count ? this.rows.get(this.placeOf(this.selected)) : null;
    if (current) box.setAttribute("aria-activedescendant", current.id);
    else box.removeAttribute("aria-activedescendant");
    if (last > first) this.lines.need(this.seqAt(first), this.seqAt(last - 1));
    this.onMove();
  }

  row(place) {
    let row = this.rows.get(place);
    if (!row) {
      row = newRow();
      this.rows.set(place, row);
      this.inner.append(row);
    }
    const seq = this.seqAt(place);
    const line = this.lines.at(seq);
    const key = `${seq}${line ? "" : "?"}`;
    if (row.dataset.shows !== key) fill(row, seq, line);
    row.dataset.shows = key;
    row.setAttribute("aria-posinset", place + 1);
    row.setAttribute("aria-setsize", this.count);
    row.setAttribute("aria-selected", seq === this.selected);
    return row;
  }

  // --- hands ---

  scrolled() {
    const { box } = this;
    this.follows = box.scrollTop + box.clientHeight >= box.scrollHeight - NEAR_END_PX;
    this.update();
  }

  clicked(event) {
    const row = event.target.closest("[role=option]");
    if (row) this.select(Number(row.dataset.seq), { moves: false });
  }

  pressed(event) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.height) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    if (step === undefined || !this.count || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const begin = this.selected === null ? this.count - 1 - Math.sign(step) : this.placeOf(this.selected);
    const place = Math.min(this.count - 1, Math.max(0, begin + step));
    this.select(this.seqAt(place));
  }
}

function newRow() {
  const row = document.createElement("div");
  row.setAttribute("role", "option");
  row.className = "line";
  for (const name of ["seq", "time", "who", "what", "type"]) {
    const part = document.createElement("span");
    part.className = `line-${name}`;
    row.append(part);
  }
  return row;
}

function fill(row, seq, line) {
  const [number, time, who, what, type] = row.children;
  row.id = `event-${seq}-row`;
  row.dataset.seq = seq;
  row.dataset.family = line ? line.type.split(".", 1)[0] : "";
  row.dataset.kind = line ? line.type : "";
  number.textContent = seq;
  time.textContent = line ? line.ts.slice(11, 23) : "";
  time.title = line ? line.ts : "";
  who.textContent = line ? line.speaker : "";
  what.textContent = line ? line.words : "…";
  type.textContent = line ? line.type : "";
}

export function firstNotBelow(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
