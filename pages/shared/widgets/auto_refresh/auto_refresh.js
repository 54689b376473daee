const PATIENCE = 8000; // an answer may be lost on the way: then ask again
const instances = new WeakMap(); // what lives as long as the page shows the pulse

function start(ask) {
  const gate = openGate(null);
  const own = {};
  const beat = () => {
    if (!gate.free()) return own.after(CALM);
    if (!document.hidden) atOnce(ask);
    own.after(document.hidden ? 250 : PATIENCE);
  };
  own.after = milliseconds => {
    clearTimeout(own.timer);
    own.timer = setTimeout(beat, milliseconds);
  };
  own.stop = () => {
    clearTimeout(own.timer);
    gate.close();
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
