// Refreshes the states of uploads on the page, and shows the progress of an upload being sent.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  followStates();
  const form = document.querySelector("form[data-upload]");
  if (form) {
    prepareUpload(form);
  }
});

function followStates() {
  const waiting = new Map();
  let address = "";
  for (const cell of document.querySelectorAll("[data-upload-id]")) {
    if (!cell.dataset.final) {
      waiting.set(cell.dataset.uploadId, cell);
      address = cell.dataset.source;
    }
  }
  if (!waiting.size) {
    return;
  }

  // When a state becomes final, other columns of its row are out of date: the list is then
  // requested again, at most every three seconds while other rows are still waiting.
  let stale = false;
  let refreshed = 0;

  async function ask() {
    const query = [...waiting.keys()].map((id) => `id=${id}`).join("&");
    try {
      const response = await fetch(`${address}?${query}`, { credentials: "same-origin" });
      if (response.ok) {
        (await response.json()).rows.forEach(show);
      }
      if (stale && (!waiting.size || Date.now() - refreshed > 3000)) {
        await refresh();
      }
    } catch {
      // The server may be restarting: ask again.
    }
    if (waiting.size || stale) {
      window.setTimeout(ask, 1000);
    }
  }

  function show(now) {
    const cell = waiting.get(String(now.id));
    if (!cell) {
      return;
    }
    cell.className = `cf-status cf-status-${now.state}`;
    cell.title = now.message;
    cell.querySelector(".cf-status-title").textContent = now.title;
    cell.querySelector(".cf-bar > span").style.width = `${now.percent}%`;
    if (now.final) {
      waiting.delete(String(now.id));
      stale = true;
    }
  }

  async function refresh() {
    if (!document.querySelector("#result_list")) {
      const player = document.querySelector("[data-player]");
      if (!player || player.paused) {
        stale = false;
        window.location.reload();
      }
      return;
    }
    const response = await fetch(window.location.href, { credentials: "same-origin" });
    if (!response.ok) {
      return;
    }
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const fresh of page.querySelectorAll("#result_list [data-upload-id]")) {
      replaceRow(fresh);
    }
    stale = false;
    refreshed = Date.now();
  }

  // Replaces cells, not the row: the tick box keeps its state, and the theme's scripts their rows.
  function replaceRow(fresh) {
    const id = fresh.dataset.uploadId;
    const row = document.querySelector(`#result_list [data-upload-id="${id}"]`)?.closest("tr");
    if (!row) {
      return;
    }
    const cells = [...fresh.closest("tr").children];
    [...row.children].forEach((cell, place) => {
      if (!cell.querySelector(".action-select")) {
        cell.replaceWith(cells[place]);
      }
    });
    if (fresh.dataset.final) {
      waiting.delete(id);
    } else {
      waiting.set(id, fresh);
    }
  }

  ask();
}

function prepareUpload(form) {
  const drop = form.querySelector("[data-drop]");
  const input = form.querySelector("input[type=file]");
  const chosen = form.querySelector("[data-chosen]");
  const bar = form.querySelector("[data-progress]");
  const text = form.querySelector("[data-progress-text]");

  // Captured before the event reaches the input: the theme's listener there fails if the input has
  // no text field beside it.
  drop.addEventListener("change", (event) => {
    event.stopPropagation();
    const names = [...input.files].map((file) => file.name);
    chosen.replaceChildren(...names.slice(0, 20).map((name) => {
      const line = document.createElement("li");
      line.textContent = name;
      return line;
    }));
    if (names.length > 20) {
      const rest = document.createElement("li");
      rest.textContent = `… +${names.length - 20}`;
      chosen.append(rest);
    }
  }, true);
  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("cf-over");
    });
  }
  for (const kind of ["dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.remove("cf-over");
    });
  }
  drop.addEventListener("drop", (event) => {
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change"));
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const request = new XMLHttpRequest();
    bar.hidden = false;
    request.upload.addEventListener("progress", (sent) => {
      bar.value = (100 * sent.loaded) / sent.total;
      text.textContent = `${text.dataset.sending}: ${Math.round(bar.value)} %`;
    });
    request.addEventListener("load", () => {
      if (request.status < 400) {
        window.location.assign(JSON.parse(request.responseText).location);
      } else {
        text.textContent = text.dataset.failed;
      }
    });
    request.addEventListener("error", () => {
      text.textContent = text.dataset.failed;
    });
    request.open("POST", form.action || window.location.href);
    request.setRequestHeader("Accept", "application/json");
    request.send(new FormData(form));
  });
}
