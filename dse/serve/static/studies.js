// Says that the list of studies has changed since it was made.

const line = document.getElementById("studies-news");
let known = null;
let source = null;

function watch() {
  source?.close();
  if (document.hidden) return; // browsers have few connections to a server at a time
  source = new EventSource("/events");
  source.addEventListener("studies", ({ data }) => {
    known ??= data;
    if (data !== known) line.hidden = false;
  });
}

document.addEventListener("visibilitychange", watch);
addEventListener("pagehide", () => source?.close());
addEventListener("pageshow", (event) => event.persisted && watch());
watch();
