"""A network of another program before it is taken in: what was read, what has to be asked, and the button."""

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.data.dataset_info import DatasetInfo
from core.errors import ConvScopeError
from core.exchange.foreign.network import ForeignError, ForeignNetwork
from core.exchange.foreign.registry import read
from core.exchange.foreign.tensors import ForeignWeights
from core.formatting import dimensions
from core.model.layers import describe_layer
from core.model.presets import PRESETS
from core.model.shapes import summarize
from core.model.spec import MAX_NAME, ModelSpec
from pages.shared.shell import services, session
from pages.shared.shell.layout import escape_markdown

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from core.exchange.foreign.importing import Answers

RUNS_LOOKED_AT = 40  # whose networks are tried for weights without layers
_ELSEWHERE = ""
_FAILURE = "foreign_failure"


def foreign_network(file: "UploadedFile", taken: Callable[[str], None]) -> None:
    """Show what a file holds, ask what it does not say, and take it in at a press.

    Args:
        file: What was uploaded.
        taken: Called with the id of the run that it became.

    Raises:
        ConvScopeError: It cannot be read, for the reason that the sentence gives.
    """
    content = _read(file.file_id, file.name, file.getvalue())
    network = _matched(file.file_id, content) if isinstance(content, ForeignWeights) else content
    if network is None:
        return
    _about(network)
    answers = _ask(network, file)
    st.button(
        "Open this network",
        type="primary",
        icon=":material/download_done:",
        key=f"foreign_open_{file.file_id}",
        disabled=answers is None,
        help="Say first what it was trained on." if answers is None else None,
        on_click=_take,
        args=(network, answers, taken),
    )
    if failure := st.session_state.pop(_FAILURE, ""):
        st.error(escape_markdown(failure), icon=":material/error:")


@st.cache_resource(show_spinner="Reading the file", max_entries=4)
def _read(file_id: str, name: str, _data: bytes) -> "ForeignNetwork | ForeignWeights":
    return read(name, _data)


def _take(network: ForeignNetwork, answers: "Answers", taken: Callable[[str], None]) -> None:
    from core.exchange.foreign.importing import import_foreign

    try:
        taken(import_foreign(services.store(), network, answers))
    except ConvScopeError as error:
        st.session_state[_FAILURE] = str(error)


def _about(network: ForeignNetwork) -> None:
    """Say what was read, layer by layer, and what was changed on the way."""
    spec, layers = network.spec, summarize(network.spec)
    total = sum(layer.num_params for layer in layers)
    st.markdown(
        f"**{escape_markdown(spec.name)}** · {network.program} · {len(layers)} layers, {total:,} parameters · "
        f"pictures of {_size(spec)} · {spec.num_classes:,} classes"
    )
    for note in network.notes:
        st.caption(f":material/info: {escape_markdown(note)}")
    rows = [
        {
            "Layer": layer.name,
            "In the file": origin or "–",
            "What it does": describe_layer(each),
            "Shape": dimensions(layer.output_shape or ()),
            "Parameters": layer.num_params or None,
        }
        for layer, each, origin in zip(layers, spec.layers, network.origins, strict=True)
    ]
    with st.expander(f"Its {len(layers)} layers"):
        st.dataframe(pd.DataFrame(rows), hide_index=True, placeholder="–", alt="Its layers, here and in the file")


def _size(spec: ModelSpec) -> str:
    channels, height, width = spec.input_shape
    colour = {1: ", grey", 3: ", colour"}.get(channels, f", {channels} channels")
    return f"{height} × {width}{colour}"


def _ask(network: ForeignNetwork, file: "UploadedFile") -> "Answers | None":
    """Ask for what no file says: its data, the names of its classes, and what it takes for a pixel.

    None is returned until the data set was chosen, which nothing but the names of classes could tell.
    """
    from core.exchange.foreign.importing import Answers, fitting_datasets

    key = file.file_id
    datasets = {info.name: info for info in fitting_datasets(network)}
    with st.grid(2, min_column_width=260):
        name = st.text_input("Name", PurePath(file.name).stem[:MAX_NAME], max_chars=MAX_NAME, key=f"foreign_name_{key}")
        dataset = st.selectbox(
            "Trained on",
            [*datasets, _ELSEWHERE],
            index=_likely(network, list(datasets.values())),
            format_func=lambda each: datasets[each].title if each else "Other images, which are not here",
            placeholder="Choose",
            key=f"foreign_data_{key}",
            help="Data sets of the same picture size and number of classes. With one of them, Evaluate and all that "
            "needs images works. The order of the classes has to be the same.",
        )
    classes: tuple[str, ...] = ()
    if dataset == _ELSEWHERE:
        start = network.class_names or tuple(f"class {number}" for number in range(network.spec.num_classes))
        lines = st.text_area(
            f"Names of the {network.spec.num_classes:,} classes, one a line, in the order of the outputs",
            "\n".join(start),
            height=160,
            key=f"foreign_classes_{key}",
        )
        classes = tuple(line.strip() for line in lines.splitlines() if line.strip())
    values, mean, std = _ask_values(network, key)
    return None if dataset is None else Answers(name, dataset, classes, values, mean, std)


def _likely(network: ForeignNetwork, datasets: Sequence[DatasetInfo]) -> int | None:
    """Return which of the data sets has the classes of the network; None where that cannot be known.

    The choice behind the last data set is that it is none of them.
    """
    for place, info in enumerate(datasets):
        if info.class_names == network.class_names:
            return place
    return len(datasets) if network.class_names or not datasets else None


def _ask_values(network: ForeignNetwork, key: str) -> tuple[str, tuple[float, ...], tuple[float, ...]]:
    """Ask what the network takes for a pixel; a scaling of its own was read from the file."""
    from core.exchange.foreign.importing import GIVEN, VALUES, likely_values

    choices = {name: title for name, (title, _, _) in VALUES.items()} | {GIVEN: "By mean and deviation"}
    values = st.selectbox(
        "Pixel values it was given in training",
        list(choices),
        index=list(choices).index(likely_values(network)),
        format_func=choices.__getitem__,
        key=f"foreign_values_{key}",
        help="Keras scripts mostly divide by 255: 0 to 1. PyTorch ones often go by mean and deviation.",
    )
    if network.scale:
        st.caption(":material/info: It scales them itself before its first layer, which was read from the file.")
    if values != GIVEN:
        return values, (), ()
    channels = network.spec.input_shape[0]
    with st.grid(2, min_column_width=260):
        mean = st.text_input(f"Mean of each channel, 0 to 1 ({channels})", key=f"foreign_mean_{key}", placeholder="0.5")
        std = st.text_input(f"Deviation of each channel ({channels})", key=f"foreign_std_{key}", placeholder="0.25")
    return values, _numbers(mean), _numbers(std)


def _numbers(text: str) -> tuple[float, ...]:
    """Return the numbers of a text with blanks or commas between them; nothing where one is none."""
    try:
        return tuple(float(part) for part in text.replace(",", " ").split())
    except ValueError:
        return ()


def _matched(key: str, weights: "ForeignWeights") -> ForeignNetwork | None:
    """Ask which network weights without layers belong to, and show which go where; None where nothing fits."""
    from core.exchange.foreign.matching import fitting, left_over, matches, network_of

    specs = (weights.spec,) if weights.spec else fitting(weights, _known())
    if not specs:
        shapes = ", ".join(
            f"{name} {dimensions(next(iter(group.values())).shape, '×')}"
            for name, group in list(weights.groups.items())[:6]
        )
        raise ForeignError(
            f"The file holds weights without their layers ({shapes} …), and no network here has layers of these "
            "shapes: build it on the page Build first, then drop the file again."
        )
    number = 0
    if len(specs) > 1:
        number = st.selectbox(
            "Network whose layers they are",
            list(range(len(specs))),
            format_func=lambda place: f"{place + 1} · {specs[place].name}, {len(specs[place].layers)} layers",
            key=f"foreign_spec_{key}",
            help="The networks of Build, of the presets and of your runs whose weights have the shapes of the file.",
        )
    spec = specs[number]
    matched = matches(spec, weights, _corrected(key, number))
    if weights.spec is None:
        rows = [{"Layer": each.part, "Shape": each.shape, "From the file": each.chosen or "–"} for each in matched]
        st.markdown("**Which weights go where**: by shape, then by order")
        st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Layers here and the weights in the file that they take")
        unclear = [each for each in matched if len(each.candidates) > 1]
        if unclear:
            with st.expander("Correct it by hand"), st.grid(2, min_column_width=220):
                for each in unclear:
                    st.selectbox(
                        f"{each.part} ({each.shape})",
                        each.candidates,
                        index=each.candidates.index(each.chosen) if each.chosen else None,
                        key=f"foreign_match_{key}_{number}_{each.part}",
                    )
        if rest := left_over(matched, weights):
            st.caption(f":material/info: Left over in the file: {escape_markdown(', '.join(rest[:12]))}.")
    return network_of(spec, weights, matched)


def _corrected(key: str, number: int) -> dict[str, str]:
    """Return what was chosen by hand for parts of a network so far."""
    start = f"foreign_match_{key}_{number}_"
    chosen = {str(name): value for name, value in st.session_state.items() if str(name).startswith(start)}
    return {name.removeprefix(start): str(value) for name, value in chosen.items() if value}


def _known() -> tuple[ModelSpec, ...]:
    """Return the networks that weights may belong to: that of Build, those of runs, and the presets for its images."""
    draft = session.draft()
    runs = [run.spec for run in services.store().list(RUNS_LOOKED_AT)]
    presets = [session.new_draft(draft.dataset, name).spec for name in PRESETS]
    return tuple(dict.fromkeys((draft.spec, *runs, *presets)))
