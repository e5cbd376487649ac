// Warn staff two minutes before their session ends, and let them extend it. Without this script, it just ends.
"use strict";

(() => {
  const box = document.querySelector("[data-idle-seconds]");
  if (!box) return;
  const WARN_BEFORE = 120;
  const wait = Math.max(box.dataset.idleSeconds - WARN_BEFORE, 0) * 1000;
  let warning;

  const begin = () => {
    clearTimeout(warning);
    box.hidden = true;
    warning = setTimeout(() => { box.hidden = false; }, wait);
  };

  box.querySelector("button").addEventListener("click", async () => {
    const answer = await fetch(box.dataset.address, { method: "HEAD", redirect: "manual" });
    if (answer.ok) begin();
    else location.reload(); // the sign-in page explains why
  });
  begin();
})();
