"""The classes side by side: their names, their pictures, and every way in which more of them come."""

from collections.abc import Callable, Sequence

import streamlit as st

from core.data.collection.collection import MAX_CLASS_NAME, MOST_CLASSES, ClassBox, Collection
from core.data.collection.folders import take_folder
from core.formatting import counted
from pages.sections.teach import phone_code, state
from pages.shared.picture.files import picture_files
from pages.shared.shell.layout import escape_markdown
from pages.shared.widgets.auto_refresh import pulse
from pages.shared.widgets.picture_tray import TrayPicture, arrived, chosen, picture_tray

MOST_SHOWN, ALL_SHOWN = 120, 720  # pictures, the latest ones: of a class, and of all together
TICK_SECONDS, REST_SECONDS = 0.4, 1.0  # between two looks while pictures may come, and else
FRAGMENT = "teach_boxes"
_TURN, _CAMERA, _DRAWN = "teach_turn", "teach_camera", "teach_drawn"
_FOLDER = "folder"  # the uploader beside those of the classes
_KINDS = {"shot": "Shot", "pasted": "Pasted"}


def class_boxes(collection: Collection) -> None:
    """Show the classes, and keep them up to date while pictures arrive by themselves."""

    @st.fragment(key=FRAGMENT)
    def boxes() -> None:
        _take_from_trays(collection)
        if collection.revision != st.session_state[_DRAWN]:  # what stands below depends on it, too
            st.rerun()
        for words in state.said():
            st.warning(escape_markdown(words), icon=":material/info:")
        current = collection.boxes
        with st.grid(2 if len(current) in (2, 4) else 3, min_column_width=280):
            for box in current:
                _box(collection, box, current)
        _more(collection, len(current))

    _take_from_trays(collection)
    st.session_state[_DRAWN] = collection.revision
    boxes()
    _watch(collection)


def _watch(collection: Collection) -> None:
    """Look again and again whether anything has changed that no press of this visitor did."""

    @st.fragment
    def watch() -> None:
        busy = collection.pending or phone_code.any_shown(collection.boxes)
        pulse(TICK_SECONDS if busy else REST_SECONDS, key="pulse_teach", on_beat=beat)

    def beat() -> None:
        if collection.revision != st.session_state.get(_DRAWN):
            st.rerun()

    watch()


def _take_from_trays(collection: Collection) -> None:
    for box in collection.boxes:
        for kind, jpeg in arrived(_tray(box)):
            number = len(collection.box(box.id).pictures) + 1
            collection.add(box.id, f"{_KINDS[kind]} {number}.jpg", jpeg)


def _tray(box: ClassBox) -> str:
    return f"teach_tray_{box.id}"


def _box(collection: Collection, box: ClassBox, all_boxes: Sequence[ClassBox]) -> None:
    place = f"teach_box_{box.id}"
    with st.container(border=True, height="stretch", key=place, gap="small"):
        _head(collection, box, all_boxes)
        st.caption(counted(len(box.pictures), "picture") if box.pictures else "No pictures yet")
        picked = chosen(_tray(box)) & {picture.id for picture in box.pictures}
        most = min(MOST_SHOWN, ALL_SHOWN // len(all_boxes))
        shown = box.pictures[-most:]
        picture_tray(
            _tray(box),
            [TrayPicture(picture.id, picture.name, picture.thumbnail) for picture in reversed(shown)],
            label=f"Pictures of {box.name}",
            box=place,
            camera=st.session_state.get(_CAMERA) == box.id,
        )
        if picked:
            _chosen(collection, box, sorted(picked), all_boxes)
        if len(box.pictures) > most:
            st.caption(f"The latest {most} are shown.")
        _ways_in(collection, box)


def _head(collection: Collection, box: ClassBox, all_boxes: Sequence[ClassBox]) -> None:
    field = f"teach_name_{box.id}"
    st.session_state[field] = box.name  # said anew each time: a name may be refused
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        st.text_input(
            "Name of the class",
            max_chars=MAX_CLASS_NAME,
            key=field,
            on_change=_rename,
            args=(collection, box.id, field),
            label_visibility="collapsed",
            placeholder="What is in these pictures?",
        )
        with st.popover("Edit", key=f"teach_menu_{box.id}"):
            for other in all_boxes:
                if other.id != box.id and box.pictures:
                    st.button(
                        f"Merge into {escape_markdown(other.name)}",
                        key=f"teach_merge_{box.id}_{other.id}",
                        on_click=state.trying,
                        args=(collection.merge, box.id, other.id),
                        type="tertiary",
                        icon=":material/merge:",
                    )
            st.button(
                "Remove this class" + (f" and its {counted(len(box.pictures), 'picture')}" if box.pictures else ""),
                key=f"teach_remove_{box.id}",
                on_click=_remove,
                args=(collection, box.id),
                type="tertiary",
                icon=":material/delete:",
                disabled=len(all_boxes) <= 2 and not box.pictures,
            )


def _rename(collection: Collection, box: str, field: str) -> None:
    state.trying(collection.rename, box, st.session_state[field])


def _remove(collection: Collection, box: str) -> None:
    collection.remove(box)
    while len(collection.boxes) < 2:
        collection.add_class()


def _chosen(collection: Collection, box: ClassBox, picked: list[str], all_boxes: Sequence[ClassBox]) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.caption(f"{len(picked):,} chosen", width="content")
        with st.popover("Move", icon=":material/drive_file_move:", key=f"teach_move_{box.id}"):
            for other in all_boxes:
                if other.id != box.id:
                    st.button(
                        f"To {escape_markdown(other.name)}",
                        key=f"teach_move_{box.id}_{other.id}",
                        on_click=state.trying,
                        args=(collection.move, picked, other.id),
                        type="tertiary",
                    )
        st.button(
            "Delete",
            key=f"teach_delete_{box.id}",
            icon=":material/delete:",
            on_click=collection.delete,
            args=(picked,),
        )


def _ways_in(collection: Collection, box: ClassBox) -> None:
    key = f"teach_files_{box.id}_{_turn(box.id)}"
    st.file_uploader(
        f"Pictures of {box.name}",
        accept_multiple_files=True,
        on_change=_take_files,
        args=(collection, box.id, key),
        **picture_files(key, "Drop or paste pictures,"),
    )
    filming, sending = st.session_state.get(_CAMERA) == box.id, phone_code.is_shown(box)
    with st.container(horizontal=True, gap="xsmall"):
        st.button(
            "Camera off" if filming else "Camera",
            icon=":material/photo_camera:",
            key=f"teach_camera_{box.id}",
            on_click=_turn_camera,
            args=(box.id,),
        )
        st.button(
            "Phones off" if sending else "Phone",
            icon=":material/qr_code_2:",
            key=f"teach_phone_{box.id}",
            on_click=phone_code.toggle,
            args=(box.id,),
        )
    if sending:
        phone_code.show_code(collection, box)


def _turn_camera(box: str) -> None:
    st.session_state[_CAMERA] = None if st.session_state.get(_CAMERA) == box else box


def _take_files(collection: Collection, box: str, key: str) -> None:
    for name, content in state.taken(key):
        collection.add(box, name, content())
    _next_turn(box)


def _turn(uploader: str) -> int:
    turn: int = st.session_state.get(f"{_TURN}_{uploader}", 0)
    return turn


def _next_turn(uploader: str) -> None:
    """Have one uploader begin anew, as what it held is in the classes; others may still be receiving files."""
    st.session_state[f"{_TURN}_{uploader}"] = _turn(uploader) + 1


def _more(collection: Collection, count: int) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="top"):
        st.button(
            "Add a class",
            icon=":material/add:",
            key="teach_add",
            on_click=state.trying,
            args=(collection.add_class,),
            disabled=count >= MOST_CLASSES,
        )
        with st.popover("Add a folder", icon=":material/folder_open:", key="teach_folder_menu"):
            st.markdown("A folder with a folder for each class: each becomes a class of that name.")
            key = f"teach_folder_{_turn(_FOLDER)}"
            st.file_uploader(
                "A folder",
                on_change=_take_folder,
                args=(collection, key),
                **{**picture_files(key, "Drop a folder here, pictures"), "accept_multiple_files": "directory"},
            )
    _left_out(collection)


def _take_folder(collection: Collection, key: str) -> None:
    files = state.taken(key)
    _next_turn(_FOLDER)
    if files:
        state.trying(_take_all, collection, files)


def _take_all(collection: Collection, files: Sequence[tuple[str, Callable[[], bytes]]]) -> None:
    for words in take_folder(collection, files):
        state.say(words)


def _left_out(collection: Collection) -> None:
    refused = collection.refused
    if not refused:
        return
    with st.expander(f"{counted(len(refused), 'file')} left out", icon=":material/block:", key="teach_left_out"):
        rows = [{"File": each.name, "Class": each.class_name, "Because": each.reason} for each in reversed(refused)]
        st.dataframe(rows, hide_index=True)
        st.button("Clear this list", key="teach_forget", on_click=collection.forget_refused, type="tertiary")
