// The run as it was after any of its events: dragged there, stepped there, or played at a speed.

import { get } from "./get.js";

const LONGEST_PAUSE_MS = 2_000; // a run that slept for an hour is not slept through
const FRAME_MS = 40;
const UNKNOWN_MS = 200; // between two events whose times have not been read yet

export class Scrubber {
  // onMove(seq): somebody looks at this event; onState(state): the run as it was then; onLive(): back to now
  constructor(box, runId, lines, { onMove, onState, onLive }) {
    Object.assign(this, { box, runId, lines, onMove, onState, onLive });
    const part = (name) => box.querySelector(`[data-scrubber=${name}]`);
    Object.assign(this, { range: part("range"), words: part("words"), play: part("play"), speed: part("speed") });
    this.back = part("now");
    this.at = null; // null: now
    this.range.addEventListener("input", () => this.moveTo(Number(this.range.value)));
    this.play.addEventListener("click", () => (this.playing ? this.pause() : this.start()));
    this.back.addEventListener("click", () => this.now());
    this.refresh();
  }

  get isLive() {
    return this.at === null;
  }

  refresh() {
    this.range.max = this.lines.lastSeq;
    this.range.disabled = this.play.disabled = this.lines.lastSeq === 0;
    if (this.isLive) this.range.value = this.lines.lastSeq;
    const words = this.isLive ? "now" : `as of event ${this.at} of ${this.lines.lastSeq}`;
    this.words.textContent = words;
    this.range.setAttribute("aria-valuetext", words);
    this.back.hidden = this.isLive;
    this.play.textContent = this.playing ? "Pause" : "Play";
  }

  moveTo(seq) {
    this.at = Math.min(Math.max(1, seq), this.lines.lastSeq);
    this.range.value = this.at;
    this.refresh();
    this.onMove(this.at);
    this.read();
  }

  now() {
    this.pause();
    this.at = null;
    this.refresh();
    this.onLive();
  }

  start() {
    if (this.isLive || this.at >= this.lines.lastSeq) this.moveTo(1);
    this.playing = true;
    this.refresh();
    this.step();
  }

  pause() {
    clearTimeout(this.next);
    this.playing = false;
    this.refresh();
  }

  step() {
    const from = this.at;
    if (from >= this.lines.lastSeq) return this.pause();
    // What happens within one frame is passed in one step.
    let to = from + 1;
    let pause = this.pauseBetween(from, to);
    while (pause < FRAME_MS && to < this.lines.lastSeq) {
      to += 1;
      pause += this.pauseBetween(to - 1, to);
    }
    this.next = setTimeout(() => {
      this.moveTo(to);
      this.step();
    }, Math.max(FRAME_MS, pause));
  }

  pauseBetween(from, to) {
    this.lines.need(to, Math.min(to + 100, this.lines.lastSeq));
    const [earlier, later] = [this.lines.at(from), this.lines.at(to)];
    if (!earlier || !later) return UNKNOWN_MS;
    return Math.min(LONGEST_PAUSE_MS, Math.max(0, Date.parse(later.ts) - Date.parse(earlier.ts)) / Number(this.speed.value));
  }

  // One question at a time, and after it the latest place, however fast somebody drags.
  async read() {
    if (this.reading) return;
    this.reading = true;
    let seq;
    try {
      do {
        seq = this.at;
        if (seq === null) break;
        const state = await get(`/runs/${this.runId}/replay/state?seq=${seq}`);
        if (this.at !== null) this.onState(state);
      } while (this.at !== seq);
    } catch (failed) {
      this.words.textContent = `event ${seq} could not be shown: ${failed.message}`;
    } finally {
      this.reading = false;
    }
  }
}
