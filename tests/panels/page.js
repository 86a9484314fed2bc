// Gives a panel its states, and answers what it asks for as the test says; what no test named is refused.
window.asked = [];
if (location.search.includes("dark")) document.documentElement.classList.add("dark");
window.show = async (name, state, answers) => {
  const panel = await import(`/static/console/panels/${name}.js`);
  const get = async (path) => {
    asked.push(path);
    if (!(path in answers)) throw new Error(`not found: ${path}`);
    if (answers[path]?.refused) throw new Error(answers[path].refused);
    return answers[path];
  };
  const root = document.getElementById("panel");
  panel.render(root, state, { runId: "77aa0000-0000-7000-8000-000000000001", get });
  await new Promise((done) => setTimeout(done, 0)); // every answer above is there before a timer
  return root.textContent;
};
window.isReady = true;
