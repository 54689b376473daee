// One entry of the browser's history for each thing that the visitor does. Streamlit adds one whenever the address
// changes: a page that names its run and its picture on arrival would cost a step back for each of these.
let acted = false; // since the last entry was added

const ACTS = ["click", "keydown", "pointerup", "change", "drop"];

function install() {
  const { history } = window;
  if (Object.hasOwn(history, "pushState")) return; // it is in place already
  const push = History.prototype.pushState;
  const replace = History.prototype.replaceState;
  history.pushState = function (...entry) {
    (acted ? push : replace).apply(history, entry);
    acted = false;
  };
  for (const act of ACTS) window.addEventListener(act, event => (acted ||= event.isTrusted), { capture: true });
  window.addEventListener("popstate", () => (acted = false), { capture: true });
}

export default install;
