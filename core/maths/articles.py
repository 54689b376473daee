"""Short texts to read on: what each calculation is, why networks have it, its formula, and one thing to try."""

from dataclasses import dataclass

from core.maths.activations import ACTIVATIONS


@dataclass(frozen=True)
class Article:
    """A text that stands beside a calculation.

    Attributes:
        title: What it is about.
        what: What the calculation does, Markdown.
        why: Why a network has it, Markdown.
        formula: The calculation in LaTeX.
        symbols: What the letters of the formula stand for, Markdown.
        try_this: One thing to do in the view beside it, and what will be seen, Markdown.
        source: Where it comes from: authors, year, identifier.
    """

    title: str
    what: str
    why: str
    formula: str
    symbols: str
    try_this: str
    source: str


ARTICLES = {
    "convolution": Article(
        "Convolution",
        "A small window of weights, the **kernel**, is laid on the picture. Each weight is multiplied by the number "
        "below it, all products are added, and the bias joins them: that is one number of the output. Then the window "
        "moves on. With several input maps, each has its own slice of the kernel, and all slices are added.",
        "The same few weights look everywhere, so an edge that is learned at one place is found at every other. It is "
        "also cheap: from 32 to 64 maps of 28 × 28 a 3 × 3 convolution has 18,496 weights, a dense layer between the "
        "same numbers 1,258,865,664.",
        r"y_{o,i,j} = b_o + \sum_{c,u,v} w_{o,c,u,v} \; x_{c,\; s i + u - p,\; s j + v - p}",
        "x input, w kernel, b bias, y output; o and c count output and input maps, s is the stride, p the padding.",
        "Point at a number in the corner of the output, then at one in the middle: with padding, the window in the "
        "corner reaches over the border, where it meets zeros.",
        "LeCun et al. 1998, doi:10.1109/5.726791",
    ),
    "dense": Article(
        "Dense layer",
        "Every output is a weighted sum of **all** inputs, plus a bias. Before the first one the maps are written out "
        "as one long row, so places and maps become mere positions in it.",
        "Convolutions find parts; a dense layer weighs all of them against one another. The last one has an output for "
        "each class: its **logits**. It is often where most of the weights are, and where a network learns "
        "pictures by heart.",
        r"y_o = b_o + \sum_i w_{o,i} \, x_i, \qquad "
        r"\frac{\partial L}{\partial w_{o,i}} = \frac{\partial L}{\partial y_o} \, x_i",
        "x inputs, w weights, b biases, y outputs, L the loss.",
        "Look for an input of exactly 0 and go to the gradient of its weights: it is 0 as well. A weight that was fed "
        "nothing learns nothing from this picture.",
        "Rumelhart et al. 1986, doi:10.1038/323533a0",
    ),
    "max_pooling": Article(
        "Max pooling",
        "A window moves over each map by itself and keeps the **largest** number of what it sees. Nothing is learned. "
        "Backward, the whole gradient goes to the place where the largest number stood, and the others get 0.",
        "The map becomes smaller, so the next layers cost less and each of their numbers sees more of the picture. "
        "That a part is there is kept; where exactly, within the window, is forgotten.",
        r"y_{i,j} = \max_{u,v} \; x_{s i + u,\; s j + v}",
        "x input, y output, s the stride, u and v run over the window.",
        "Follow one number forward, then backward: the gradient comes out at the very place that was the largest.",
        "Scherer et al. 2010, doi:10.1007/978-3-642-15825-4_10",
    ),
    "average_pooling": Article(
        "Average pooling",
        "A window takes the **mean** of what it sees, in each map by itself. A global one takes the mean of a whole "
        "map: one number is left of it. Backward, each place of the window gets an equal share of the gradient.",
        "A global mean in place of a flattened map makes the last layer small and lets a network take pictures of any "
        "size. What is lost is where in the map something was.",
        r"y_{i,j} = \frac{1}{k^2} \sum_{u,v} x_{s i + u,\; s j + v}, \qquad "
        r"\frac{\partial L}{\partial x} = \frac{1}{k^2} \frac{\partial L}{\partial y}",
        "x input, y output, k the side of the window, s the stride; where windows overlap, their shares add up.",
        "Compare the backward view with that of max pooling: here every place of a window gets the same.",
        "Lin et al. 2013, arXiv:1312.4400",
    ),
    "activation": Article(
        "Activation function",
        "Each number is bent by one curve, by itself. ReLU, the most usual one, keeps what is above 0 and makes the "
        "rest 0. Backward, the gradient is multiplied by the **slope** of the curve at that number.",
        "Without it, layers on layers would be worth one: a weighted sum of weighted sums is again a weighted sum. "
        "Where the slope is 0, no gradient passes. A unit whose input is negative for every picture no longer learns: "
        "a dead ReLU.",
        r"y = f(x), \qquad \frac{\partial L}{\partial x} = \frac{\partial L}{\partial y} \, f'(x), \qquad "
        rf"\mathrm{{ReLU}}(x) = {ACTIVATIONS['relu'].formula}",
        "x input, y output, f the curve, f′ its slope.",
        "Find a negative number in the input of a ReLU: its output is 0, and so is its gradient.",
        "Nair and Hinton 2010, icml.cc/Conferences/2010/papers/432.pdf",
    ),
    "batch_norm": Article(
        "Batch norm",
        "In training, each map has the mean of the batch taken off and is divided by its standard deviation; then it "
        "is stretched and shifted by two learned numbers. Afterwards the means and variances that were gathered "
        "during training take the batch's place.",
        "The next layer meets numbers of one size, whatever the layers before do, so higher learning rates work. The "
        "price: in training, an answer depends on the other pictures of the batch.",
        r"y = \gamma \, \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta",
        "x input, y output, μ mean and σ² variance of the map, γ and β learned, ε keeps the root from 0.",
        "Switch “As in training” off and on: the same picture gets other numbers, since the statistics are others.",
        "Ioffe and Szegedy 2015, arXiv:1502.03167",
    ),
    "dropout": Article(
        "Dropout",
        "In training, each number is set to 0 with probability p, by chance and anew each time, and the others are "
        "divided by 1 − p. Afterwards nothing is dropped.",
        "A unit cannot rely on one other unit being there, so what is learned is spread out and fits new pictures "
        "better. The division keeps the expected sum, so that nothing has to change when dropping ends.",
        r"y = \frac{m \, x}{1 - p}, \qquad m \in \{0, 1\}, \quad P(m = 0) = p",
        "x input, y output, m the mask, p the share that is dropped.",
        "Switch “As in training” off: every number passes as it is.",
        "Srivastava et al. 2014, jmlr.org/papers/v15/srivastava14a.html",
    ),
    "softmax": Article(
        "Softmax and cross-entropy",
        "The logits are raised to powers of e and divided by their sum: positive numbers that add up to 1, the "
        "**probabilities**. The loss is minus the logarithm of the true class's. Its gradient at each logit is the "
        "probability less 1 for the true class, and the probability itself for the others.",
        "This is where learning begins: the gradient says for each class whether it was believed too much or too "
        "little, and everything before is changed by it. Only differences of logits count: the same number added to "
        "all changes nothing.",
        r"p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}, \qquad L = -\log p_t, \qquad "
        r"\frac{\partial L}{\partial z_k} = p_k - y_k",
        "z logits, p probabilities, t the true class, y is 1 for it and 0 for the others, L the loss.",
        "Add up the gradient over all classes: it is 0. What one class is pushed up by, the others are pushed down.",
        "Bridle 1990, doi:10.1007/978-3-642-76153-9_28",
    ),
    "kernel": Article(
        "A kernel by hand",
        "Before kernels were learned, they were thought out: the mean of a window blurs, the difference of left and "
        "right finds upright edges (Sobel), the middle against its neighbours sharpens.",
        "The first layer of a trained network often holds kernels much like these. To know what hand-made ones do is "
        "the way to read learned ones.",
        r"\text{size} = \left\lfloor \frac{n + 2p - d\,(k - 1) - 1}{s} \right\rfloor + 1",
        "n rows of the input, p padding at each side, k rows of the kernel, d dilation, s stride.",
        "Set the stride to 2: the output has about half as many rows, and each number stands two places further.",
        "Dumoulin and Visin 2016, arXiv:1603.07285",
    ),
    "receptive_field": Article(
        "Receptive field",
        "The part of the picture that one number of a layer can see at all. It grows from layer to layer: each "
        "window sees windows of the layer before. A stride or a pooling makes all later windows reach further.",
        "What does not fit into the field cannot be recognised there. Most of the influence comes from its middle, "
        "since more ways lead from there to the number than from the border.",
        r"r_l = r_{l-1} + (k_l - 1) \, d_l \prod_{i<l} s_i, \qquad r_0 = 1",
        "r side of the field in pixels after layer l, k side of its window, d dilation, s strides of the layers "
        "before. Two 3 × 3 convolutions see 5 × 5 pixels; with a 2 × 2 pooling between them, 8 × 8.",
        "Choose a deeper layer and click the same place: the frame in the picture grows.",
        "Luo et al. 2016, arXiv:1701.04128",
    ),
    "loss": Article(
        "Loss",
        "One number for how wrong an answer is: small where the true class was believed, large where it was not. "
        "Training makes its mean over the pictures smaller, and looks at nothing else.",
        "Two losses can call the same answer best and still teach differently, since what counts is their slope. "
        "Squared error behind a softmax hardly pulls where the network is wrong and sure; cross-entropy pulls most "
        "there.",
        r"L_{\text{CE}} = -\log p_t, \qquad L_{\text{MSE}} = \frac{1}{K} \sum_k (p_k - y_k)^2",
        "p probabilities, t the true class, y is 1 for it and 0 for the others, K the number of classes.",
        "Take the logits by hand and pull the true class's far down: cross-entropy grows without end, squared error "
        "comes to rest.",
        "Golik et al. 2013, Interspeech",
    ),
    "optimizer": Article(
        "Optimiser",
        "The rule that turns a gradient into a step. Plain gradient descent goes against the gradient by a share, the "
        "**learning rate**. Momentum adds what is left of the steps before. Adam also divides by the usual size of "
        "the gradient, for each weight by itself.",
        "The first step of Adam has about the size of the learning rate for every weight, however large or small its "
        "gradient; that of plain descent is as many times larger as its gradient is. So one learning rate does not "
        "suit both.",
        r"\text{SGD: } w \leftarrow w - \eta g, \qquad "
        r"\text{Adam: } w \leftarrow w - \eta \, \frac{\hat m}{\sqrt{\hat v} + \varepsilon}",
        "w weight, g its gradient, η learning rate, m̂ and v̂ corrected means of the gradients and of their squares.",
        "Choose another batch: the gradient changes, and with it the step of plain descent, while the first one of "
        "Adam stays nearly as long.",
        "Kingma and Ba 2014, arXiv:1412.6980",
    ),
    "landscape": Article(
        "Loss landscape",
        "The loss is a function of all weights. With two of them it can be drawn as land: a point is a choice of both, "
        "its height the loss. The gradient points straight uphill, so descent goes across the lines of equal height.",
        "In a narrow valley the gradient points at the walls, not along the floor. Plain descent then goes to and fro, "
        "and a rate that suits the floor is too high for the walls: it climbs out. Momentum evens out the to and fro.",
        r"w \leftarrow w - \eta \nabla L(w) \quad \text{comes to rest in a bowl only if} \quad "
        r"\eta < \frac{2}{\lambda_{\max}}",
        "w both weights, η learning rate, λ how fast the slope changes along the steepest direction of the bowl.",
        "In the long valley, go from well chosen rates to × 2: plain descent goes to and fro ever further and leaves "
        "the map. Its rate is above that limit now.",
        "Goodfellow et al. 2016, deeplearningbook.org, chapter 8",
    ),
}
