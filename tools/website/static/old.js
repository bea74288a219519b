// For a browser that knows no modules, which runs neither landing.js nor kept.js: one sentence says so.

document.getElementById("old").hidden = false;
