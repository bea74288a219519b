// Code and tables that are wider than the page are scrolled by keys too.

function reach() {
  for (const part of document.querySelectorAll("article pre, .table-wrapper, .cell_output, .sidebar-scroll")) {
    const scrolls = part.scrollWidth > part.clientWidth || part.scrollHeight > part.clientHeight;
    const reached = part.querySelector("a, button, input, summary") !== null;
    if (scrolls && !reached) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  }
}

reach();
addEventListener("resize", reach);
