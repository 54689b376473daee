"""Bringing in pictures of one's own: what is in them, what they become, and the import itself."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core.data.images import decode_upload
from core.data.importing.decoder_worker import CHANGES, FITS, ImageFormat, squared
from core.data.importing.folder_layout import MAX_CLASS_NAME, Naming, NoDataSetError, Survey
from core.data.importing.importer import bring_in, check_room, opening_notes, understood, usual_look
from core.data.importing.labelled_images import LabelledImages
from core.data.importing.picture_archive import Skipped, opened
from core.data.importing.safezip import content_of
from core.data.names import ENCODINGS
from core.data.split_assignment import remarks
from core.errors import ConvScopeError
from core.formatting import counted
from core.progress import Progress
from pages.sections.data.catalogue import BROUGHT
from pages.sections.data.import_arrays import ask_array_look, ask_orientation, first_images, png_of, show_facts
from pages.sections.data.sources import ASK, TURN, WAYS, ImageSource
from pages.shared.shell.background_jobs import Lane, background
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import escape_markdown, show_errors

_NAMINGS, _REFUSAL, _UNDERSTOOD = "own_namings", "own_naming_refusal", "own_understood"


def naming_of(source: ImageSource) -> Naming:
    """Return what was said of the names in an archive so far."""
    naming: Naming = st.session_state.get(_NAMINGS, {}).get(source.key, Naming())
    return naming


def _keep(source: ImageSource, naming: Naming) -> None:
    st.session_state[_NAMINGS] = {source.key: naming}  # of the archive at hand only


def ask_naming(source: ImageSource, contents: Survey | LabelledImages) -> None:
    """Offer other letters, where they were guessed, and other names for classes."""
    if words := st.session_state.pop(_REFUSAL, ""):
        st.error(escape_markdown(words), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if isinstance(contents, Survey) and contents.encoding:
            field = f"own_letters_{source.key}"
            st.selectbox(
                "Letters of the names",
                list(ENCODINGS),
                index=list(ENCODINGS).index(contents.encoding),
                format_func=lambda key: f"{ENCODINGS[key]} ({key})",
                key=field,
                width=260,
                on_change=_reread,
                args=(source, field),
            )
        with st.popover("Rename a class", icon=":material/edit:", key="own_rename_class", on_change="rerun"):
            _ask_rename(source, contents)


def _ask_rename(source: ImageSource, contents: Survey | LabelledImages) -> None:
    old, new = f"own_class_old_{source.key}", f"own_class_new_{source.key}"
    with st.form("own_class_form", border=False):
        st.selectbox("Class", contents.class_names, key=old, width=320)
        st.text_input("New name", max_chars=MAX_CLASS_NAME, key=new, width=320)
        st.caption("Two classes of one name become one.")
        st.form_submit_button("Save class name", type="primary", on_click=_rename, args=(source, old, new))


def _reread(source: ImageSource, field: str) -> None:
    _keep(source, Naming(st.session_state[field]))  # names given to misread ones mean nothing any more


def _rename(source: ImageSource, old: str, new: str) -> None:
    st.session_state["own_rename_class"] = False
    try:
        _keep(source, naming_of(source).rename(st.session_state[old], st.session_state[new]))
    except ConvScopeError as error:
        st.session_state[_REFUSAL] = str(error)


SIDES = (16, 28, 32, 48, 64, 96, 128, 224)
COLOURS = {"colour": "Colour", "grey": "Grey"}
SPLIT_TITLES = {"train": "Train", "valid": "Valid", "test": "Test", "": "To be split"}
LISTED = 300  # files that are left out
NUM_CLASSES_SHOWN, TRIES_PER_CLASS = 12, 3  # classes that are shown by a picture, and how many of each are tried


@st.fragment
def own_images() -> None:
    """Ask for pictures, show what is in them and what they become, and make a data set of them."""
    way = ask_one("Where they are", WAYS, "own_way")
    with show_errors():
        source = ASK[way]()
        if source is None:
            st.session_state.pop(_UNDERSTOOD, None)
            return
        naming = naming_of(source)
        try:
            contents = _understood(source, naming)
        except NoDataSetError as error:
            _left_out(error.skipped)
            raise
        st.subheader("What you bring", anchor=False)
        _contents(contents)
        ask_naming(source, contents)
        if isinstance(contents, LabelledImages):
            contents = ask_orientation(source.key, contents)
        st.subheader("What becomes of it", anchor=False)
        title, look = _ask_look(source, contents)
        if isinstance(contents, LabelledImages):
            _preview(contents, look, first_images(source.key, contents, look, NUM_CLASSES_SHOWN))
        else:
            _preview(contents, look, *_samples(source.key, look, contents.class_names, contents, source.files[0][1]))
        shares, seed = _ask_split(contents)
        check_room(contents, look)
        _bring_in(source, contents, naming, title, look, shares, seed)


def _understood(source: ImageSource, naming: Naming) -> Survey | LabelledImages:
    """Return what the files at hand hold; kept for these only, since it may hold on to them."""
    known: dict[tuple[str, Naming], Survey | LabelledImages] = st.session_state.get(_UNDERSTOOD, {})
    if (source.key, naming) not in known:
        st.session_state.pop(_UNDERSTOOD, None)
        with st.spinner("Reading the files …"):
            known = {(source.key, naming): understood(source.files, naming)}
        st.session_state[_UNDERSTOOD] = known
    return known[source.key, naming]


def _contents(contents: Survey | LabelledImages) -> None:
    counts = contents.counts()
    most = max(max(column) for column in counts.values())
    table: dict[str, Sequence[object]] = {"Class": contents.class_names}
    table |= {SPLIT_TITLES[split]: column for split, column in counts.items()}
    bar = st.column_config.ProgressColumn(format="localized", min_value=0, max_value=most)
    classes = f"in **{len(contents.class_names):,} classes**"
    if isinstance(contents, LabelledImages):
        _, height, width = contents.shape
        st.markdown(f"**{len(contents):,} images** of {height} × {width} pixels {classes}")
    else:
        st.markdown(f"**{len(contents):,} files** {classes}")
    if contents.facts:
        show_facts(contents.facts)
    st.dataframe(
        pd.DataFrame(table),
        hide_index=True,
        column_config={SPLIT_TITLES[split]: bar for split in counts},
        height="content" if len(contents.class_names) < 12 else 420,
    )
    teaching = counts.get("train") or counts[""]
    for words in remarks(contents.class_names, np.array(teaching, np.int64)):
        st.warning(escape_markdown(words), icon=":material/warning:")
    for words in contents.notes:
        st.warning(escape_markdown(words), icon=":material/warning:")
    _left_out(contents.skipped)


def _left_out(files: Sequence[Skipped]) -> None:
    """List files that are left out before any is decoded."""
    if files:
        with st.expander(f"{counted(len(files), 'file')} left out already", icon=":material/block:"):
            rows = [{"File": skipped.name[-120:], "Because": skipped.reason} for skipped in files[:LISTED]]
            st.dataframe(pd.DataFrame(rows), hide_index=True)
            if len(files) > LISTED:
                st.caption(f"The first {LISTED} are listed.")


def _ask_look(source: ImageSource, contents: Survey | LabelledImages) -> tuple[str, ImageFormat]:
    usual = usual_look(contents)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        title = st.text_input("Name", value=source.title, max_chars=60, width=240, key=f"own_title_{source.key}")
        side = st.select_slider(
            "Size in pixels",
            sorted({*SIDES, usual.size}),
            value=usual.size,
            width=280,
            key=f"own_side_{source.key}" if isinstance(contents, LabelledImages) else "own_side",
            help="Height and width of every picture. Twice the side shows more and takes four times as long.",
        )
    if isinstance(contents, LabelledImages):
        return title, ask_array_look(source.key, contents, int(side), usual.colour)
    with st.container(horizontal=True, gap="medium"):
        colour = ask_one("Colours", COLOURS, "own_colour") == "colour"
        fit = ask_one("How they become square", FITS, "own_fit")
    stretch = st.toggle(
        "Stretch 16-bit values",
        key="own_stretch",
        help="For pictures of cameras and microscopes that look black: each is spread from its darkest to its "
        "lightest value. Pictures with 8 bits a value stay as they are.",
    )
    return title, ImageFormat(int(side), colour, fit, stretch)


def _preview(
    contents: Survey | LabelledImages, look: ImageFormat, pictures: Mapping[int, bytes], notes: Sequence[str] = ()
) -> None:
    if not pictures:
        return
    with st.container(horizontal=True, gap="small", key="own_preview"):
        for label, png in pictures.items():
            name = contents.class_names[label]
            with st.container(width=96, gap="xxsmall"):
                st.image(png, width=96, alt=f"A picture of {name} at {look.size} × {look.size} pixels")
                st.caption(escape_markdown(name))
    st.html("<style>.st-key-own_preview img { image-rendering: pixelated; }</style>")
    each = (
        "each class"
        if len(contents.class_names) <= NUM_CLASSES_SHOWN
        else f"each of the first {NUM_CLASSES_SHOWN} classes"
    )
    st.caption(f"One picture of {each} as the network will get it, {look.size} × {look.size} pixels.")
    for words in notes:
        st.caption(f":material/info: {escape_markdown(words)}")


@st.cache_data(show_spinner=False, max_entries=32)
def _samples(
    key: str, look: ImageFormat, names: tuple[str, ...], _found: Survey, _archive: bytes
) -> tuple[dict[int, bytes], tuple[str, ...]]:
    """Return the first readable picture of the first classes, as PNG, and what was done to them as they were opened."""
    pictures: dict[int, bytes] = {}
    opened_so: list[tuple[bool, int]] = []
    labels = np.array(_found.labels)
    with opened(_archive) as file:
        stored = _found.container
        for label in range(min(NUM_CLASSES_SHOWN, len(_found.class_names))):
            for place in np.flatnonzero(labels == label)[:TRIES_PER_CLASS].tolist():
                try:
                    decoded = decode_upload(
                        stored.content(place) if stored else content_of(file, _found.files[place]), stretch=look.stretch
                    )
                except (ConvScopeError, ValueError):
                    continue
                pictures[label] = png_of(squared(decoded.image, look))
                opened_so.append((decoded.shrunk > 1, CHANGES.index(decoded.colours)))
                break
    return pictures, tuple(opening_notes(*zip(*opened_so, strict=True))) if opened_so else ()


def _ask_split(contents: Survey | LabelledImages) -> tuple[tuple[float, float], int]:
    """Ask how much is set apart, where folders do not say it already."""
    missing = [split for split in ("valid", "test") if split not in contents.splits]
    shares = {"valid": 0.1, "test": 0.1}
    if not missing:
        st.caption("Train, valid and test are taken as they come.")
        return (0.1, 0.1), 0
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        for split in missing:
            percent = st.slider(
                f"Set apart for {split}",
                5,
                40,
                10,
                5,
                format="%d%%",
                width=220,
                key=f"own_share_{split}",
                help="The same share of every class, drawn at random. The network never learns from these.",
            )
            shares[split] = percent / 100
        seed = st.number_input("Seed", 0, 9999, 0, width=110, key="own_seed", help="Another one draws other pictures.")
    return (shares["valid"], shares["test"]), int(seed)


def _bring_in(
    source: ImageSource,
    contents: Survey | LabelledImages,
    naming: Naming,
    title: str,
    look: ImageFormat,
    shares: tuple[float, float],
    seed: int,
) -> None:
    arrays = isinstance(contents, LabelledImages)
    how = contents.orientation if isinstance(contents, LabelledImages) else look.stretch
    key = ("own", source.key, naming, title, look, how, shares, seed, st.session_state.get(TURN, 0))

    def work(progress: Progress) -> str:
        return bring_in(
            source.files,
            title,
            look=look,
            shares=shares,
            seed=seed,
            source=source.file,
            contents=contents,
            progress=progress,
        )

    words, number = "Writing the images" if arrays else "Decoding the pictures", f"{len(contents):,}"
    name = background(key, work, words=words, place="own", ask=f"Bring in {number} pictures", lane=Lane.LONG)
    if name is not None:
        st.session_state[TURN] = st.session_state.get(TURN, 0) + 1  # the next pictures begin with an empty panel
        st.session_state[BROUGHT] = name
        st.rerun()
