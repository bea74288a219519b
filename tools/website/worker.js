// Pages that were read are kept in this browser, and shown again when there is no network.  The network comes first, so
// that a page is never older than it has to be.  The lab below this folder has a worker of its own.

const KEPT = "vmwidgets-pages";
const FIRST = [];
const SCOPE = self.registration.scope;
const ABSENT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>No network</title>
<p>There is no network, and this browser has not kept this page. <a href="${SCOPE}index.html">Start page</a></p></html>`;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll(FIRST)));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const own = url.startsWith(SCOPE) && !url.startsWith(`${SCOPE}lab/`);
  if (method === "GET" && own) event.respondWith(answer(event.request));
});

async function answer(request) {
  const kept = await caches.open(KEPT);
  try {
    const answered = await fetch(request);
    if (answered.ok) kept.put(request, answered.clone()).catch(() => {}); // full storage: it is shown all the same
    return answered;
  } catch (error) {
    const page = request.mode === "navigate";
    const again = await kept.match(request, { ignoreSearch: page });
    if (again) return again;
    if (!page) throw error;
    return new Response(ABSENT, { status: 503, headers: { "content-type": "text/html; charset=utf-8" } });
  }
}
