const PATIENCE = 8000; // an answer may be lost on the way: then ask again
const CALM = 150; // a press has to be sent on its own, or it would run this fragment instead of its own one
const HEARD = 3000; // by then the server runs what a button or link asks for, or there is nothing to run
const TOUCHES = ["pointerdown", "pointerup", "click", "keydown", "input", "change"];
const instances = new WeakMap(); // what lives as long as the page shows the pulse

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

function start(ask) {
  const app = document.querySelector('[data-testid="stApp"]');
  const own = { quiet: 0, heard: 0 }; // not before these two moments
  // A request names the page it comes from: sent while another page is on its way, it would empty that one.
  const running = () => !["notRunning", undefined].includes(app?.dataset.testScriptState);
  const beat = () => {
    if (Math.max(own.quiet, own.heard) > performance.now() || running()) return own.after(CALM);
    if (!document.hidden) atOnce(ask);
    own.after(document.hidden ? 250 : PATIENCE);
  };
  own.after = milliseconds => {
    clearTimeout(own.timer);
    own.timer = setTimeout(beat, milliseconds);
  };
  const touch = event => {
    own.quiet = performance.now() + CALM;
    if (event.type === "click" && event.composedPath().some(node => node.matches?.("a, button")))
      own.heard = performance.now() + HEARD;
  };
  const observer = new MutationObserver(() => running() && (own.heard = 0));
  if (app) observer.observe(app, { attributeFilter: ["data-test-script-state"] });
  for (const kind of TOUCHES) document.addEventListener(kind, touch, { capture: true, passive: true });
  own.stop = () => {
    clearTimeout(own.timer);
    observer.disconnect();
    for (const kind of TOUCHES) document.removeEventListener(kind, touch, { capture: true });
  };
  return own;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const own = instances.get(parentElement) ?? start(() => setTriggerValue("beat", true));
  instances.set(parentElement, own);
  own.after(1000 * data.seconds); // new data is the answer to the last beat
  return () => {
    own.stop();
    instances.delete(parentElement);
  };
}
