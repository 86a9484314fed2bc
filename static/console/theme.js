// The theme without inline scripts: Alpine's CSP build reads plain expressions alone, and knows no function of the window.
// What the theme writes otherwise is written anew here, before Alpine looks at the page.

const OPEN = "sidebarDesktopOpen"; // the theme's own name for it in the storage

// selector of an element -> attribute -> an expression that does the same
const PLAIN = {
  "#changelist-actions": { "x-bind:style": "{ width: changeListWidth + 'px' }" },
  "form[x-bind\\:action]": { "x-bind:action": "addressOfTab()" },
  [`[x-on\\:click^='${OPEN} =']`]: { "x-on:click": `${OPEN} = !${OPEN}` },
};

function page() {
  return {
    activeTab: "",
    sidebarMobileOpen: false,
    [OPEN]: localStorage.getItem(OPEN) !== "0",
    init() {
      const { tab } = this.$root.dataset;
      this.activeTab = tab ? window.getCurrentTab() || tab : "";
      this.$watch(OPEN, (isOpen) => localStorage.setItem(OPEN, isOpen ? "1" : "0"));
    },
    addressOfTab() {
      const tab = this.activeTab && this.activeTab !== "general" ? `#${this.activeTab}` : "";
      return location.pathname + location.search + tab;
    },
  };
}

document.addEventListener("alpine:init", () => {
  for (const [selector, attributes] of Object.entries(PLAIN)) {
    for (const element of document.querySelectorAll(selector)) {
      for (const [name, expression] of Object.entries(attributes)) element.setAttribute(name, expression);
    }
  }
  const { Alpine } = window;
  Alpine.data("page", page);
  for (const name of ["theme", "searchForm"]) Alpine.data(name, window[name]);
});
