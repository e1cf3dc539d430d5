// Runs before the first paint, so that nobody who prefers the dark is shown a white page first.
// The switch itself is state/theme.svelte.ts; the two share the name of the stored choice.
(function () {
  var choice = null;
  try {
    choice = localStorage.getItem("parlor.theme");
  } catch {
    // Storage is forbidden: follow the system.
  }
  var dark = choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
  // What the browser paints around the page; the style sheet, which has these colours too, is not there yet.
  document.querySelector("meta[name=theme-color]").content = dark ? "#121617" : "#f4f0e8";
})();
