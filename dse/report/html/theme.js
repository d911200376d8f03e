// Dark and light: as the system has it, until the button is pressed.

/** onchange: called as the colours of the page change. */
function bindTheme(onchange) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = byId("theme");
  const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const apply = () => {
    button.textContent = isDark() ? "light theme" : "dark theme";
    onchange();
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    apply();
  });
  system.addEventListener("change", apply);
  apply();
}
