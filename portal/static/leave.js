// Leaves a page that somebody should not be seen reading: the page is not in the history any more, so "back" does not
// lead to it. Without this script the link is a link.
"use strict";

for (const link of document.querySelectorAll("[data-leave]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    document.documentElement.hidden = true; // before the other page is there
    location.replace(link.href);
  });
}
