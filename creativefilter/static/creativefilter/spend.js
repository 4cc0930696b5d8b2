// Filters in the address, charts one by one with their tables, and how far an export is.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  prepareFilters();
  showTiles();
  const drawings = [...document.querySelectorAll("[data-chart]")];
  if (drawings.length) {
    prepareLibrary();
    drawings.forEach(prepareChart);
  }
  followExport();
  document.querySelectorAll("[data-working]").forEach(followWork);
});

const words = () => JSON.parse(document.getElementById("sp-words").textContent);

async function answer(address) {
  const response = await fetch(address, {
    credentials: "same-origin",
    headers: { Accept: "application/json" },
  });
  if (!response.ok) {
    throw new Error(`${response.status} ${address}`);
  }
  return response.json();
}

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text ?? "";
  made.className = className ?? "";
  return made;
}

// Filters

function prepareFilters() {
  const form = document.querySelector("[data-filters]");
  if (!form) {
    return;
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      // A blank name stands for what is not known, a blank choice of one for no filter.
      if (value || form.querySelector(`select[name="${name}"][multiple]`)) {
        query.append(name, value);
      }
    }
    window.location.assign(`${window.location.pathname}?${query}`);
  });
  for (const select of form.querySelectorAll("select")) {
    if (select.multiple) {
      prepareChoices(select);
    } else {
      select.addEventListener("change", () => form.requestSubmit());
    }
  }
}

// Select2 asks the server for the values; the form is sent once its list closes.
function prepareChoices(select) {
  const $ = django.jQuery;
  const chosen = () => [...select.selectedOptions].map(({ value, text }) => ({ id: value, text }));
  const key = () => JSON.stringify(chosen().map(({ id }) => id).sort());
  const before = key();

  // What is chosen stays on top of what was found.
  function results({ choices, more }) {
    const top = chosen();
    const ids = new Set(top.map(({ id }) => id));
    const found = choices
      .filter(({ value }) => !ids.has(value))
      .map(({ value, name, amount }) => ({ id: value, text: name, amount }));
    const hint = more ? [{ text: words().refine, disabled: true }] : [];
    return { results: [...top, ...found, ...hint] };
  }

  const box = $(select).select2({
    ajax: {
      url: select.dataset.choices,
      delay: 200,
      data: ({ term }) => ({ q: term ?? "" }),
      processResults: results,
    },
    closeOnSelect: false,
    dropdownCssClass: "sp-choices",
    language: document.documentElement.lang,
    templateResult: ({ text, amount }) => $("<span>").text(text).add($("<small>").text(amount ?? "")),
    width: "100%",
  });
  const search = select.parentElement.querySelector(".select2-search__field");
  search.setAttribute("placeholder", select.dataset.summary);
  search.setAttribute("aria-label", select.getAttribute("aria-label"));
  box.on("select2:open", () => {
    // Near the right edge the list opens to the left.
    const list = document.querySelector(".sp-choices");
    const over = list.getBoundingClientRect().right - document.documentElement.clientWidth + 16;
    list.style.marginLeft = over > 0 ? `${-over}px` : "";
  });
  box.on("select2:close", () => key() !== before && select.form.requestSubmit());
}

async function showTiles() {
  const place = document.querySelector("[data-overview]");
  if (!place) {
    return;
  }
  const found = await answer(place.dataset.overview);
  place.replaceChildren(...found.tiles.map(([name, value]) => {
    const tile = document.createElement("div");
    tile.append(element("dt", name), element("dd", value));
    return tile;
  }));
}

// The address of a page with one filter narrowed: the values replace those of their parameters.
function narrowed(adds, path) {
  const query = new URLSearchParams(window.location.search);
  for (const [name, value] of adds) {
    query.set(name, value);
  }
  query.delete("page");
  if (path) {
    query.delete("tab");
  }
  return `${path ?? window.location.pathname}?${query}`;
}

const behind = () => document.querySelector("[data-behind]").pathname;

// Charts

function prepareLibrary() {
  const said = words();
  if (said.locale !== "en") {
    Plotly.register({
      moduleType: "locale",
      name: said.locale,
      dictionary: said.dictionary,
      format: { ...said.format, decimal: ",", thousands: "\u202f" },
    });
  }
}

function isDark() {
  return document.documentElement.classList.contains("dark");
}

function inks() {
  const dark = isDark();
  return {
    text: dark ? "#d4d4d8" : "#374151",
    grid: dark ? "#3f3f46" : "#e5e7eb",
    hover: dark ? "#27272a" : "#ffffff",
  };
}

function dressed(layout, ink, extra) {
  const axis = { gridcolor: ink.grid, zerolinecolor: ink.grid, automargin: true, ticklabelstandoff: 6 };
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "Inter, system-ui, sans-serif", size: 13, color: ink.text },
    separators: words().separators,
    hoverlabel: { bgcolor: ink.hover, font: { color: ink.text }, align: "left" },
    // Thousands are parted; digits after the comma only where there are any.
    ...layout,
    margin: { l: 12, r: 12, t: 12, b: 12, ...layout.margin },
    xaxis: { ...axis, ...(layout.xaxis?.type ? {} : { tickformat: "," }), ...layout.xaxis },
    yaxis: { ...axis, ...(layout.yaxis?.tickvals ? {} : { tickformat: "," }), ...layout.yaxis },
    ...extra,
  };
}

function prepareChart(section) {
  const place = section.querySelector("[data-figure]");
  const said = words();
  let shown = null;
  let norm = "";

  function layout(ink = inks(), extra = {}) {
    const made = dressed(shown.layout, ink, extra);
    if (norm) {
      made.barnorm = norm;
      made.yaxis = { ...made.yaxis, title: { text: "%" } };
    }
    return made;
  }

  async function save() {
    const name = section.dataset.file;
    const ink = { text: "#1f2937", grid: "#e5e7eb", hover: "#ffffff" };
    const onWhite = layout(
      ink,
      { paper_bgcolor: "#ffffff", plot_bgcolor: "#ffffff", title: { text: name, x: 0.02 } },
    );
    onWhite.margin = { ...onWhite.margin, t: onWhite.margin.t + 44 };
    await Plotly.downloadImage(
      { data: data(ink), layout: onWhite },
      { format: "png", filename: name, width: 1280, height: (shown.layout.height ?? 480) + 44, scale: 2 },
    );
  }

  const settings = {
    displaylogo: false,
    responsive: true,
    locale: said.locale,
    modeBarButtonsToRemove: ["toImage", "select2d", "lasso2d", "autoScale2d"],
    modeBarButtonsToAdd: [{ name: "png", title: said.png, icon: Plotly.Icons.camera, click: save }],
  };

  // Whiskers have to be seen on bars and beside them.
  function data(ink = inks()) {
    return shown.data.map((trace) => (
      trace.error_x ? { ...trace, error_x: { ...trace.error_x, color: ink.text } } : trace
    ));
  }

  async function draw() {
    await Plotly.react(place, data(), layout(), settings);
  }

  // Of what was clicked: the trace's own filter, or that of the point.
  function addsOf(point) {
    const own = point.customdata ?? shown.data[point.curveNumber].customdata?.[point.pointNumber];
    if (Array.isArray(own) && own.length) {
      return own;
    }
    return shown.data[point.curveNumber].meta ?? [];
  }

  function follow(event) {
    const adds = addsOf(event.points[0]);
    if (!adds.length) {
      return;
    }
    if (event.event?.ctrlKey || event.event?.metaKey) {
      window.open(narrowed(adds, behind()), "_blank", "noopener");
    } else {
      window.location.assign(narrowed(adds));
    }
  }

  async function load() {
    try {
      const found = await answer(section.dataset.source);
      place.replaceChildren();
      if (found.empty) {
        place.append(element("p", said.nothing, "cf-muted"));
        return;
      }
      shown = found.figure;
      await draw();
      place.on("plotly_click", follow);
      // A leaf of the tree is a filter; a branch opens, as areas do.
      place.on("plotly_treemapclick", (event) => {
        if (event.event?.ctrlKey || event.event?.metaKey || !event.nextLevel) {
          follow(event);
          return false;
        }
        return true;
      });
      fillTable(section.querySelector("[data-table]"), found.table);
      section.dataset.ready = "1";
    } catch (error) {
      place.replaceChildren(element("p", said.failed, "cf-error"));
      throw error;
    }
  }

  for (const button of section.querySelectorAll("[data-norm]")) {
    button.addEventListener("click", () => {
      norm = button.dataset.norm;
      for (const one of section.querySelectorAll("[data-norm]")) {
        one.setAttribute("aria-pressed", String(one === button));
      }
      if (shown) {
        draw();
      }
    });
  }
  section.querySelector("[data-png]").addEventListener("click", () => shown && save());
  // The theme is switched on the page.
  new MutationObserver(() => shown && draw()).observe(document.documentElement, {
    attributeFilter: ["class"],
  });
  load();
}

function fillTable(place, found) {
  const said = words();
  const table = element("table", "", "sp-table");
  const heading = table.createTHead().insertRow();
  const isNumber = (column) => column > 0 && found.kinds[column] !== "text";
  found.columns.forEach((title, column) => {
    heading.append(element("th", title, isNumber(column) ? "sp-number" : ""));
  });
  heading.append(element("th", ""));
  const body = table.createTBody();
  found.rows.forEach((row, place_) => {
    const line = body.insertRow();
    const adds = found.adds[place_];
    row.forEach((text, column) => {
      const cell = element("td", "", isNumber(column) ? "sp-number" : "");
      if (column === 0 && adds.length) {
        const link = element("a", text);
        link.href = narrowed(adds);
        link.title = said.only;
        cell.append(link);
      } else {
        cell.textContent = text;
      }
      line.append(cell);
    });
    const last = line.insertCell();
    if (adds.length) {
      const link = element("a", said.creatives);
      link.href = narrowed(adds, behind());
      last.append(link);
    }
  });
  place.replaceChildren(table);
  if (found.more) {
    place.append(element("p", said.rest.replace("%s", found.more), "cf-muted"));
  }
}

// A long export

function followExport() {
  const place = document.querySelector("[data-exporting]");
  if (!place) {
    return;
  }
  async function ask() {
    try {
      const now = await answer(window.location.href);
      place.querySelector("progress").value = now.percent;
      place.querySelector("span").textContent = `${now.title}, ${now.percent} %`;
      if (now.final) {
        window.location.reload();
        return;
      }
    } catch {
      // The server is away for a moment: ask again.
    }
    window.setTimeout(ask, 1000);
  }
  ask();
}

// Figures that are being made: nobody's page changes under their hands, but for an empty one.

function followWork(place) {
  async function ask() {
    try {
      const now = await answer(place.dataset.working);
      const bar = place.querySelector("progress");
      bar.value = now.percent;
      if (now.final) {
        if ("reload" in place.dataset) {
          window.location.reload();
          return;
        }
        bar.hidden = true;
        place.querySelector("a").hidden = false;
        return;
      }
    } catch {
      // The server is away for a moment: ask again.
    }
    window.setTimeout(ask, 1000);
  }
  ask();
}
