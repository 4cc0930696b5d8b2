// Pages of spend: filters, charts with their tables, and the progress of exports and other jobs.
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
      // In a multiple select a blank value means "not known", in a single select "no filter".
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

// Select2 requests the values from the server; the form is submitted when its list closes.
function prepareChoices(select) {
  const $ = django.jQuery;
  const chosen = () => [...select.selectedOptions].map(({ value, text }) => ({ id: value, text }));
  const key = () => JSON.stringify(chosen().map(({ id }) => id).sort());
  const before = key();

  // Chosen values are listed first, before the values found.
  function results({ choices, more }) {
    const top = chosen();
    const ids = new Set(top.map(({ id }) => id));
    const found = choices
      .filter(({ value }) => !ids.has(value))
      .map(({ value, name, amount, title, group }) => ({ id: value, text: name, amount, title, group }));
    const hint = more ? [{ text: words().refine, disabled: true }] : [];
    return { results: [...top, ...grouped(found), ...hint] };
  }

  // Values with a group are listed below its name, the others as they are.
  function grouped(found) {
    const groups = new Map();
    const rows = [];
    for (const one of found) {
      if (!one.group) {
        rows.push(one);
      } else if (groups.has(one.group)) {
        groups.get(one.group).push(one);
      } else {
        groups.set(one.group, [one]);
        rows.push({ text: one.group, children: groups.get(one.group) });
      }
    }
    return rows;
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
    // Shift the list to the left if it would extend beyond the right edge of the window.
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

// Returns the address of a page where the values in adds replace those of the same parameters.
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

const creativesPath = () => document.querySelector("[data-behind]").pathname;

// Charts

function prepareLibrary() {
  const texts = words();
  if (texts.locale !== "en") {
    Plotly.register({
      moduleType: "locale",
      name: texts.locale,
      dictionary: texts.dictionary,
      format: { ...texts.format, decimal: ",", thousands: "\u202f" },
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
    // The tick format "," separates thousands and shows decimal places only where there are any.
    ...layout,
    margin: { l: 12, r: 12, t: 12, b: 12, ...layout.margin },
    xaxis: { ...axis, ...(layout.xaxis?.type ? {} : { tickformat: "," }), ...layout.xaxis },
    yaxis: { ...axis, ...(layout.yaxis?.tickvals ? {} : { tickformat: "," }), ...layout.yaxis },
    ...extra,
  };
}

function prepareChart(section) {
  const place = section.querySelector("[data-figure]");
  const texts = words();
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
    locale: texts.locale,
    modeBarButtonsToRemove: ["toImage", "select2d", "lasso2d", "autoScale2d"],
    modeBarButtonsToAdd: [{ name: "png", title: texts.png, icon: Plotly.Icons.camera, click: save }],
  };

  // Error bars get the colour of the text, which is visible on bars and on the background.
  function data(ink = inks()) {
    return shown.data.map((trace) => (
      trace.error_x ? { ...trace, error_x: { ...trace.error_x, color: ink.text } } : trace
    ));
  }

  async function draw() {
    await Plotly.react(place, data(), layout(), settings);
  }

  // Returns the filter of the clicked point, or else that of its trace.
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
      window.open(narrowed(adds, creativesPath()), "_blank", "noopener");
    } else {
      window.location.assign(narrowed(adds));
    }
  }

  async function load() {
    try {
      const found = await answer(section.dataset.source);
      place.replaceChildren();
      if (found.empty) {
        place.append(element("p", texts.nothing, "cf-muted"));
        return;
      }
      shown = found.figure;
      await draw();
      place.on("plotly_click", follow);
      // A click on a leaf of the treemap sets a filter; a click on a branch zooms into it.
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
      place.replaceChildren(element("p", texts.failed, "cf-error"));
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
  // Draw again when the user switches between light and dark mode.
  new MutationObserver(() => shown && draw()).observe(document.documentElement, {
    attributeFilter: ["class"],
  });
  load();
}

function fillTable(place, found) {
  const texts = words();
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
        link.title = texts.only;
        cell.append(link);
      } else {
        cell.textContent = text;
      }
      line.append(cell);
    });
    const last = line.insertCell();
    if (adds.length) {
      const link = element("a", texts.creatives);
      link.href = narrowed(adds, creativesPath());
      last.append(link);
    }
  });
  place.replaceChildren(table);
  if (found.more) {
    place.append(element("p", texts.rest.replace("%s", found.more), "cf-muted"));
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
      // The server may be restarting: ask again.
    }
    window.setTimeout(ask, 1000);
  }
  ask();
}

// Figures that a job computes. When it ends, an empty page reloads itself; other pages offer a link.

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
      // The server may be restarting: ask again.
    }
    window.setTimeout(ask, 1000);
  }
  ask();
}
