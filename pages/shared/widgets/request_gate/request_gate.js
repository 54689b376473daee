const CALM = 150; // a press has to be sent on its own, or it would run this component's fragment instead of its own one
const HEARD = 3000; // by then the server runs what a button or link asks for, or there is nothing to run
const TOUCHES = ["pointerdown", "pointerup", "click", "keydown", "input", "change"];

/** Let what is asked for be sent at once: until Streamlit's own timer is due, a press would be sent along with it, and
    run this fragment instead of its own one. On a busy page that is long, and presses come before timers. */
function atOnce(ask) {
  const later = window.setTimeout;
  const due = [];
  window.setTimeout = (act, wait, ...rest) => (wait ? later(act, wait, ...rest) : due.push(act) && 0);
  try {
    ask();
  } finally {
    window.setTimeout = later;
  }
  for (const act of due) act();
}

/**
 * Watch over the requests that nobody pressed for: `free()` says whether one may be sent now.
 *
 * A request names the page it comes from: sent while another page is on its way, it would empty that one. So none is
 * sent while a script runs, nor after a press until its answer has begun. Presses inside `own`, which the component
 * answers by itself, do not count. `running()` says whether
 * a script runs; `close()` ends the watch.
 */
function openGate(own) {
  const app = document.querySelector('[data-testid="stApp"]');
  let quiet = 0, heard = 0; // not before these two moments
  const running = () => !["notRunning", undefined].includes(app?.dataset.testScriptState);
  const touch = event => {
    const path = event.composedPath();
    if (path.includes(own)) return;
    quiet = performance.now() + CALM;
    if (event.type === "click" && path.some(node => node.matches?.("a, button"))) heard = performance.now() + HEARD;
  };
  const observer = new MutationObserver(() => running() && (heard = 0));
  if (app) observer.observe(app, { attributeFilter: ["data-test-script-state"] });
  for (const kind of TOUCHES) document.addEventListener(kind, touch, { capture: true, passive: true });
  return {
    running,
    free: () => Math.max(quiet, heard) <= performance.now() && !running(),
    close: () => {
      observer.disconnect();
      for (const kind of TOUCHES) document.removeEventListener(kind, touch, { capture: true });
    },
  };
}
