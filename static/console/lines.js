// The lines of a run's log, one an event, numbered 1, 2, 3 ... without a gap. They are fetched in blocks: first those that are
// looked at, then, in the background, the rest from the newest to the oldest, so that filters know all of them.

import { get } from "./get.js";

export const BLOCK = 1_000;
const READ_IN_BACKGROUND = 100_000; // of a longer log only the end; older lines come when they are scrolled to
const RETRY_MS = 2_000;

export class Line {
  constructor([seq, ts, type, speaker, words]) {
    Object.assign(this, { seq, ts, type, speaker, words });
  }
}

export class Lines {
  constructor(base, lastSeq, onChange) {
    Object.assign(this, { base, lastSeq, onChange });
    this.lines = []; // at seq - 1
    this.wanted = []; // numbers of blocks, the most urgent first
    this.held = 0;
    this.problem = null;
  }

  at(seq) {
    return this.lines[seq - 1];
  }

  get isWhole() {
    return this.held >= this.lastSeq;
  }

  *known() {
    for (let seq = 1; seq <= this.lastSeq; seq += 1) {
      const line = this.lines[seq - 1];
      if (line) yield line;
    }
  }

  // The log is this long by now.
  grow(lastSeq) {
    if (lastSeq <= this.lastSeq) return;
    const first = this.lastSeq + 1;
    this.lastSeq = lastSeq;
    // What has just happened is asked for at once, however much of the past is still to be read.
    for (let block = blockOf(first); block <= blockOf(lastSeq); block += 1) this.want(block);
    this.onChange();
  }

  need(firstSeq, lastSeq) {
    for (let block = blockOf(firstSeq); block <= blockOf(lastSeq); block += 1) {
      if (!this.isFull(block)) this.want(block);
    }
  }

  readAll() {
    const oldest = Math.max(0, blockOf(Math.max(1, this.lastSeq - READ_IN_BACKGROUND)));
    for (let block = blockOf(this.lastSeq); block >= oldest; block -= 1) {
      if (!this.isFull(block) && !this.wanted.includes(block)) this.wanted.push(block);
    }
    this.fetch();
  }

  want(block) {
    this.wanted = [block, ...this.wanted.filter((other) => other !== block)];
    this.fetch();
  }

  async fetch() {
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.wanted.length) await this.fetchBlock(this.wanted.shift());
    } finally {
      this.busy = false;
    }
  }

  async fetchBlock(block) {
    const after = this.lastHeldOf(block);
    const end = Math.min((block + 1) * BLOCK, this.lastSeq);
    if (after >= end) return;
    try {
      const page = await get(`${this.base}/lines?afterSeq=${after}&limit=${(block + 1) * BLOCK - after}`);
      this.put(page);
      this.problem = null;
    } catch (failed) {
      this.problem = failed;
      this.onChange();
      if (failed.status === 401 || failed.status === 403 || failed.status === 404) {
        this.wanted = [];
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      if (!this.wanted.includes(block)) this.wanted.push(block);
    }
  }

  put(page) {
    for (const columns of page.lines) {
      if (!this.lines[columns[0] - 1]) this.held += 1;
      this.lines[columns[0] - 1] = new Line(columns);
    }
    this.lastSeq = Math.max(this.lastSeq, page.lastSeq);
    this.onChange();
    if (page.lines.length && !this.isFull(blockOf(page.lines.at(-1)[0]))) this.want(blockOf(page.lines.at(-1)[0]));
  }

  isFull(block) {
    return this.lastHeldOf(block) >= Math.min((block + 1) * BLOCK, this.lastSeq);
  }

  // A block is filled from its beginning: what is held of it ends here.
  lastHeldOf(block) {
    let seq = block * BLOCK;
    const end = Math.min((block + 1) * BLOCK, this.lastSeq);
    if (this.lines[end - 1]) return end;
    while (seq < end && this.lines[seq]) seq += 1;
    return seq;
  }
}

export function blockOf(seq) {
  return Math.floor((seq - 1) / BLOCK);
}
