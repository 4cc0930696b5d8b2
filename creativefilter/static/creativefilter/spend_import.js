// Keeps the states of imports, or of tables, on the page current.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const waiting = new Map();
  for (const cell of document.querySelectorAll("[data-import]")) {
    if (!cell.dataset.final) {
      waiting.set(cell.dataset.import, cell);
    }
  }
  const [list] = window.location.pathname.match(/^.*\/(spend\/spendimport|tables\/table)\//) || [];
  const address = `${list}progress/`;

  async function ask() {
    const query = [...waiting.keys()].map((id) => `id=${id}`).join("&");
    try {
      const response = await fetch(`${address}?${query}`, { credentials: "same-origin" });
      if (response.ok) {
        const ended = (await response.json()).imports.filter(show);
        if (ended.length) {
          await refresh(ended);
        }
      }
    } catch {
      // The server is away for a moment: ask again.
    }
    if (waiting.size) {
      window.setTimeout(ask, 1000);
    }
  }

  function show(now) {
    const cell = waiting.get(String(now.id));
    cell.querySelector(".cf-status-title").textContent = now.title;
    cell.querySelector(".cf-bar > span").style.width = `${now.percent}%`;
    return now.final;
  }

  // The page of one import says something else from here on; in the list only its row does.
  async function refresh(ended) {
    if (!document.querySelector("#result_list")) {
      waiting.clear();
      window.location.reload();
      return;
    }
    const response = await fetch(window.location.href, { credentials: "same-origin" });
    if (!response.ok) {
      return;
    }
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const { id } of ended) {
      const row = waiting.get(String(id)).closest("tr");
      const fresh = page.querySelector(`[data-import="${id}"]`)?.closest("tr");
      if (fresh) {
        const cells = [...fresh.children];
        [...row.children].forEach((cell, place) => cell.replaceWith(cells[place]));
      }
      waiting.delete(String(id));
    }
  }

  if (waiting.size) {
    ask();
  }
});
