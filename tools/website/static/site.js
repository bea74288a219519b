// A table that is wider than the page becomes a list for each row; code or a picture that is wider is scrolled, by keys
// too.

const ROLES = { table: "table", thead: "rowgroup", tbody: "rowgroup", tr: "row", th: "columnheader", td: "cell" };

/** Each cell names its column, and each part its role, which a browser forgets when a table is not laid out as one. */
function label(table) {
  const names = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent.trim());
  for (const row of table.querySelectorAll("tbody tr")) {
    [...row.cells].forEach((cell, column) => {
      if (column > 0 && names[column]) cell.dataset.column = names[column];
    });
  }
  for (const part of [table, ...table.querySelectorAll(Object.keys(ROLES).join())]) {
    part.setAttribute("role", ROLES[part.localName]);
  }
}

function fit() {
  for (const wrapper of document.querySelectorAll(".table-wrapper")) {
    const table = wrapper.querySelector("table");
    table.classList.remove("rows");
    if (wrapper.scrollWidth <= wrapper.clientWidth) continue;
    label(table);
    table.classList.add("rows");
  }
}

const SCROLLED = "article pre, article p:has(> img, > picture), .table-wrapper, .cell_output, [data-vmwidgets-twin], .sidebar-scroll";

function reach() {
  for (const part of document.querySelectorAll(SCROLLED)) {
    const scrolls = part.scrollWidth > part.clientWidth || part.scrollHeight > part.clientHeight;
    const reached = part.querySelector("a, button, input, summary") !== null;
    if (scrolls && !reached) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  }
}

function settle() {
  fit();
  reach();
}

settle();
addEventListener("resize", settle);
addEventListener("load", reach, { capture: true }); // of each picture too: it has its size now
