// The way on for whoever cannot stay where they are: back in after signing out, back to the list from a run that is gone.

export function loginLink() {
  const here = location.pathname + location.search + location.hash;
  return link(`/admin/login/?next=${encodeURIComponent(here)}`, "Log in again");
}

export function listLink() {
  return link("/admin/console/runs/", "All runs");
}

function link(address, words) {
  const made = document.createElement("a");
  made.href = address;
  made.textContent = words;
  return made;
}
