"""One sentence on each term of the field that a page does not explain by itself: the hint where it first stands."""

GLOSSARY = {
    "parameters": "Parameters are the numbers of a network that training changes: its weights and biases.",
    "multiply_adds": "A multiply-add is one product added to a sum; their number says how much work one image is.",
    "receptive_field": "The receptive field is the part of the picture that a single number of a layer can see.",
    "effective_field": "The effective receptive field is the part of the receptive field that really moves the number, "
    "mostly its middle.",
    "logit": "A logit is the number that a network gives a class before softmax turns all of them into probabilities.",
    "gradient": "The gradient says how the loss changes with each weight: training steps against it.",
    "dead_unit": "A dead unit puts out the same whatever it is shown, so that nothing can be learned through it.",
    "calibration": "A network is calibrated if, of all answers of which it is 80% sure, 80% are right.",
    "ranking": "AUC and average precision judge only the order in which a network puts images, not its percentages.",
    "roc": "The ROC curve shows how many images of the class are found for how many others are taken for it.",
    "precision_recall": "Average precision is the mean share of right images among those taken for the class, as the "
    "bar for “yes” is lowered.",
    "norm": "The L∞ norm is the largest change of any value, the L2 norm the square root of the sum of their squares.",
    "int8": "Weights and activations are stored as whole numbers from −128 to 127, in a quarter of the bytes.",
    "pruning": "To prune is to set weights to zero, or to take whole filters out.",
    "top_1": "The share of ImageNet's validation images whose likeliest class is the true one.",
}
