// What this page is made of is kept for a visit without a network; see worker.js.  Where a browser keeps nothing, as in a
// private window, the page works with a network only.

const isKept = "serviceWorker" in navigator && navigator.serviceWorker.controller !== null; // it saw each request

async function keep() {
  const own = document.querySelector('script[src*="kept.js"]').src; // the address of this file
  await navigator.serviceWorker.register(new URL("../worker.js", own));
  if (isKept) return;
  const kept = await caches.open("vmwidgets-pages");
  const parts = performance.getEntriesByType("resource").map((part) => part.name);
  const wanted = [location.href.split("#")[0], ...parts.filter((part) => part.startsWith(location.origin))];
  await Promise.all(wanted.map((part) => kept.add(part).catch(() => {})));
}

if ("serviceWorker" in navigator) addEventListener("load", () => keep().catch(() => {}));
