const LOOK = 50; // milliseconds from one look whether the next moment is due to another
const REST = 300; // so long nothing may have moved before Python hears of it

/**
 * Let a button play: what `start` is given as `step` is called whenever a moment was shown for `beat` milliseconds in
 * which nothing was `busy`. A tab that nobody sees rests. What the button says is set apart from that, by `show`.
 */
function openPlayer(button, name = "Play") {
  let timer = null;
  const words = button.querySelector("span");
  const stop = () => {
    clearInterval(timer);
    timer = null;
  };
  return {
    stop,
    playing: () => timer !== null,
    show(playing) {
      button.classList.toggle("on", playing);
      button.ariaLabel = playing ? "Pause" : name;
      if (words) words.textContent = button.ariaLabel;
      else button.title = button.ariaLabel;
    },
    start(beat, step, busy = () => false) {
      stop();
      let shown = performance.now(); // since when, with nothing under way
      timer = setInterval(() => {
        const now = performance.now();
        if (document.hidden || busy()) shown = null;
        else if (now - (shown ??= now) >= beat) {
          shown = now;
          step();
        }
      }, LOOK);
    },
  };
}

/** Tell Python of a new moment by `send`, once nothing has moved for a while. */
function openTelling(send) {
  let timer, told;
  return {
    tell(moment) {
      clearTimeout(timer);
      timer = setTimeout(() => told !== moment && send((told = moment)), REST);
    },
    close: () => clearTimeout(timer),
  };
}
