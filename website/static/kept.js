// What this page is made of is kept for a visit without a network; see worker.js.  Where a browser keeps nothing, as in a
// private window, the page works with a network only.

const isKept = Boolean(navigator.serviceWorker?.controller); // its worker saw each request of this page

async function keep() {
  await navigator.serviceWorker.register(new URL("../worker.js", import.meta.url));
  if (isKept) return;
  const kept = await caches.open("vmwidgets-pages");
  const parts = performance.getEntriesByType("resource").map((part) => part.name);
  const own = [location.href.split("#")[0], ...parts.filter((part) => part.startsWith(location.origin))];
  await Promise.allSettled(own.map((part) => kept.add(part)));
}

if ("serviceWorker" in navigator) addEventListener("load", () => keep().catch(() => {}));
