// Keeps an open page true: when something happens, the page is fetched again, and its parts marked `data-live`
// take the place of the old ones. Without this script everything works; one reloads by hand.
"use strict";
(() => {
  const { stream, events } = document.body.dataset;
  const status = document.getElementById("live");
  const url = new URL(stream, location.href);
  let source = null;
  let waiting = null;

  // A part that says it is busy is looked at again, whether something happens or not.
  const isBusy = () => document.querySelector("[data-busy]") !== null;

  function soon(milliseconds) {
    if (waiting === null) waiting = setTimeout(refresh, milliseconds);
  }

  async function refresh() {
    waiting = null;
    const response = await fetch(location.href);
    if (response.redirected || !response.ok) {
      location.reload();
      return;
    }
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(part.id);
      // Nothing is taken away under the hands of who is using it.
      if (next && !part.contains(document.activeElement)) part.replaceWith(document.adoptNode(next));
    }
    document.body.dataset.refreshed = url.searchParams.get("last_event_id");
    status.textContent = "Live. Something happened just now.";
    if (isBusy()) soon(1000);
  }

  function told(event) {
    url.searchParams.set("last_event_id", event.lastEventId);
    // Events come in bursts; the page is fetched once for each.
    soon(250);
  }

  function open() {
    if (source !== null) return;
    source = new EventSource(url);
    source.onopen = () => { status.textContent = "Live"; };
    if (isBusy()) soon(1000);
    source.onerror = () => { status.textContent = "Not live: reload to see what is new."; };
    for (const name of events.split(" ")) source.addEventListener(name, told);
  }

  function close() {
    if (source !== null) source.close();
    source = null;
  }

  // A page that nobody sees holds no connection: browsers have few of them.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
})();
