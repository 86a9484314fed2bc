// The routes of runs as actions: each answers what became of every run, in plain words.

import { save } from "./file.js";

const WORKS_AT_ONCE = 4;

export async function carryOut(action, ids, token) {
  try {
    return await ACTIONS[action](ids, token);
  } catch (failed) {
    return ids.map((id) => ({ id, isDone: false, words: failed.message }));
  }
}

const ACTIONS = {
  cancel: (ids, token) => judged("/runs/batch/cancel", ids, token),
  archive: (ids, token) => judged("/runs/batch/archive", ids, token),
  rebuild: (ids, token) => each(ids, async (id) => {
    const rebuilt = await post(`/runs/${id}/projection/rebuild`, {}, token);
    return `rebuilt up to event ${(await rebuilt.json()).latestSeq}`;
  }),
  recover: (ids, token) => each(ids, async (id) => {
    const { takenOver, status } = await (await post(`/runs/${id}/recover`, {}, token)).json();
    return takenOver ? `taken over by an observer, is ${status}` : "nothing to be done: its observer lives";
  }),
  export: async (ids, token) => {
    const bundle = await post("/runs/batch/export", { runIds: ids }, token);
    save(await bundle.blob(), `signalbox-runs-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.json`);
    return ids.map((id) => ({ id, isDone: true, words: "is in the file that was downloaded" }));
  },
};

async function judged(address, ids, token) {
  const answer = await post(address, { runIds: ids }, token);
  return (await answer.json()).map((outcome) => ({
    id: outcome.runId,
    isDone: outcome.ok,
    words: wordsOf(outcome),
  }));
}

function wordsOf(outcome) {
  if (outcome.ok) {
    return outcome.status;
  }
  return outcome.error ? `not done: ${outcome.error.message}` : "takes longer than a minute: it may still be done";
}

async function each(ids, act) {
  const waiting = [...ids];
  const outcomes = [];
  const work = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      try {
        outcomes.push({ id, isDone: true, words: await act(id) });
      } catch (failed) {
        outcomes.push({ id, isDone: false, words: `not done: ${failed.message}` });
      }
    }
  };
  await Promise.all(Array.from({ length: WORKS_AT_ONCE }, work));
  return outcomes;
}

async function post(address, body, token) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
  const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(body), credentials: "same-origin" });
  if (!answer.ok) {
    const fault = await answer.json().catch(() => ({}));
    throw new Error(fault.message ?? `the server answered ${answer.status}`);
  }
  return answer;
}
