"""Origins of runs of version 0.4, which stored them only as the text of a note: a frozen table for migration."""

_RECIPES = {  # by key: what a note called the recipe, and the answers that could be guessed
    "high_rate": (
        "Learning rate × 100",
        ("Fall a hundred times as fast", "Leap far up", "Stay where it is"),
    ),
    "no_normalisation": (
        "No normalisation",
        ("As high as for guessing", "Far higher", "Close to zero"),
    ),
    "wrong_labels": (
        "30 % wrong labels",
        ("On the training labels", "On the validation labels", "The same on both"),
    ),
    "few_images": (
        "50 images",
        ("Both the fifty and new images", "The fifty by heart, new ones far less", "Neither"),
    ),
    "sigmoid": (
        "Sigmoid everywhere",
        ("The first", "The last", "None, all are alike"),
    ),
    "no_shuffling": (
        "No shuffling",
        ("Keep rising", "Stay at about half", "Fall to almost nothing"),
    ),
    "healthy": (
        "Nothing broken",
        ("Nothing unusual", "Overfitting", "Learning rate too low"),
    ),
}

# Origins by the note of such a run, read once: where a database or an archive of that version is opened.
ORIGINS = {
    f"Broken on purpose: {title}. Guess: {answer}.": f"recipe:{key}:{number}"
    for key, (title, answers) in _RECIPES.items()
    for number, answer in enumerate(answers)
}
