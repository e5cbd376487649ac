// Refresh a notice's progress every two seconds until nothing changes any more.
// Without this script, the page shows the same, and a link reloads it.
"use strict";

(() => {
  const box = document.querySelector("[data-progress]");
  const told = document.querySelector("[data-progress-told]");
  if (!box) return;
  const state = box.firstElementChild.dataset.state;
  let step = -1;

  // Announce each ten per cent to screen readers, not every number.
  const tell = (shown) => {
    const now = Math.floor((10 * shown.dataset.ended) / Math.max(shown.dataset.total, 1));
    if (now !== step) told.textContent = shown.querySelector("[data-sentence]").textContent;
    step = now;
  };

  const look = async () => {
    if (document.hidden) return again();
    try {
      const answer = await fetch(box.dataset.progress, { redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      box.innerHTML = await answer.text();
    } catch {
      return again(); // the server may be restarting
    }
    const shown = box.firstElementChild;
    tell(shown);
    if (shown.dataset.state !== state) return location.reload(); // the buttons have changed
    return "settled" in shown.dataset ? undefined : again();
  };

  const again = () => setTimeout(look, 2000);
  again();
})();
