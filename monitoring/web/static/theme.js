// Light, dark, or what the system says. A plain script before the rest, so that a page does not flash in the other.
(() => {
  const root = document.documentElement;
  try {
    const kept = localStorage.getItem("sonicgrid-theme");
    if (kept === "light" || kept === "dark") root.dataset.theme = kept;
  } catch {
    // Storage is closed to this page; the system's choice holds.
  }
})();
