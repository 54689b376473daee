const PATIENCE = 8000; // an answer may be lost on the way: then ask again
const CALM = 150; // a press has to be sent on its own, or it would run this fragment instead of its own one
const TOUCHES = ["pointerdown", "pointerup", "click", "keydown", "input", "change"];
const instances = new WeakMap(); // what lives as long as the page shows the pulse

function start(ask) {
  const own = { touched: -CALM };
  const beat = () => {
    const wait = own.touched + CALM - performance.now();
    if (wait > 0) return own.after(wait);
    if (!document.hidden) ask();
    own.after(document.hidden ? 250 : PATIENCE);
  };
  own.after = milliseconds => {
    clearTimeout(own.timer);
    own.timer = setTimeout(beat, milliseconds);
  };
  const touch = () => (own.touched = performance.now());
  for (const kind of TOUCHES) document.addEventListener(kind, touch, { capture: true, passive: true });
  own.stop = () => {
    clearTimeout(own.timer);
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
