"""Colours and shapes for things of one kind, compared in one figure: up to eight, also for the colour-blind."""

# Found by simulated annealing: any two of them differ by at least 20 in CIELAB for normal sight and for each kind of
# colour blindness (Machado, Oliveira and Fernandes 2009), and all stand 3 to 1 against their theme's backgrounds.
# The order puts the most different ones first.
HUES: dict[str, tuple[str, ...]] = {
    "light": ("#457cec", "#a64a02", "#6e005e", "#c7738f", "#07614b", "#4f310c", "#9d6ab6", "#778853"),
    "dark": ("#85f8f6", "#967502", "#bd4487", "#eda899", "#b1d563", "#176ac8", "#d5a5ff", "#647143"),
}
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
