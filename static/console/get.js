// Reads JSON with the session of whoever has the page open.

export class Failed extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

export async function get(path) {
  let answer;
  try {
    answer = await fetch(path, { headers: { Accept: "application/json" }, redirect: "manual" });
  } catch {
    throw new Failed("the server cannot be reached");
  }
  // The pages of staff send whoever is signed out to the login; here that is no answer.
  if (answer.type === "opaqueredirect" || answer.status === 401) {
    throw new Failed("you are signed out: load the page again to sign in", 401);
  }
  if (!answer.ok) throw new Failed(await reason(answer), answer.status);
  return answer.json();
}

async function reason(answer) {
  try {
    return (await answer.json()).message;
  } catch {
    return `the server answered ${answer.status}`;
  }
}
