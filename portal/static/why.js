/* Opens "why this number" beside the number; without this script the same link leads to a page of its own. */
"use strict";
(() => {
  const dialog = document.getElementById("why-dialog");
  if (!dialog) return;
  const body = dialog.querySelector(".why-body");
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a.why");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const address = new URL(link.href);
    address.searchParams.set("part", "1");
    const answer = await fetch(address);
    if (!answer.ok) {
      location.href = link.href;
      return;
    }
    // Made by our own server and escaped there.
    body.innerHTML = await answer.text();
    dialog.showModal();
    dialog.scrollTop = 0;
  });
  dialog.querySelector("button").addEventListener("click", () => dialog.close());
})();
